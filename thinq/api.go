package thinq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Route is where LG serves an account. What LG left out, or wrote so that it
// is no address, is nil.
type Route struct{ API, MQTT, WebSocket *url.URL }

// Route asks where LG serves the account (GET /route).
func (c *Client) Route(ctx context.Context) (Route, error) {
	var answer struct{ APIServer, MQTTServer, WebSocketServer string }
	if err := c.ask(ctx, request{op: opRoute}, &answer); err != nil {
		return Route{}, err
	}
	return Route{
		API:       serverURL(answer.APIServer, "https", ""),
		MQTT:      serverURL(answer.MQTTServer, "mqtts", "8883"),
		WebSocket: serverURL(answer.WebSocketServer, "wss", ""),
	}, nil
}

// serverURL reads an address with or without scheme and port; nil if it is none.
func serverURL(address, scheme, port string) *url.URL {
	if address == "" {
		return nil
	}
	if !strings.Contains(address, "://") {
		address = scheme + "://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	if u.Port() == "" && port != "" {
		u.Host = strings.TrimSuffix(u.Host, ":") + ":" + port
	}
	return u
}

// A Device is one appliance of the account's list.
type Device struct {
	ID         string `json:"id"`
	Type       string `json:"type"` // "DEVICE_WASHER"
	Model      string `json:"model"`
	Alias      string `json:"alias"`
	Group      string `json:"group,omitempty"` // halves of a two-piece wash tower share one
	Reportable bool   `json:"reportable"`      // sends events; false: must be polled
}

// Devices lists the account's appliances (GET /devices), those without an id
// left out.
func (c *Client) Devices(ctx context.Context) ([]Device, error) {
	response, err := c.do(ctx, request{op: opDevices})
	if err != nil {
		return nil, err
	}
	found, err := entries[deviceEntry](response, "devices")
	if err != nil {
		return nil, c.unreadable(opDevices, err)
	}
	devices := make([]Device, 0, len(found))
	for _, e := range found {
		if e.DeviceID != "" {
			devices = append(devices, e.device())
		}
	}
	return devices, nil
}

// deviceEntry is LG's form of a Device.
type deviceEntry struct {
	DeviceID string `json:"deviceId"`
	Info     struct {
		DeviceType, ModelName, Alias, GroupID string
		Reportable                            flexBool
	} `json:"deviceInfo"`
}

func (e deviceEntry) device() Device {
	return Device{
		ID: e.DeviceID, Type: e.Info.DeviceType, Model: e.Info.ModelName, Alias: e.Info.Alias,
		Group: e.Info.GroupID, Reportable: bool(e.Info.Reportable),
	}
}

// ParseDevice reads one element of LG's list of devices. The error says why it
// is none.
func ParseDevice(data []byte) (Device, error) {
	var e deviceEntry
	if err := json.Unmarshal(data, &e); err != nil {
		return Device{}, err
	}
	if e.DeviceID == "" || e.Info.DeviceType == "" {
		return Device{}, errors.New("no deviceId, or no deviceInfo.deviceType")
	}
	return e.device(), nil
}

// flexBool is a boolean that LG sends as true or as "true".
type flexBool bool

// UnmarshalJSON takes everything; what is not true is false.
func (b *flexBool) UnmarshalJSON(data []byte) error {
	*b = flexBool(strings.EqualFold(strings.Trim(string(data), `"`), "true"))
	return nil
}

// Profile reads a profile (GET /devices/{id}/profile); see [ParseProfile].
func (c *Client) Profile(ctx context.Context, id string) (json.RawMessage, error) {
	return c.document(ctx, request{op: opProfile, id: id})
}

// State reads a whole state (GET /devices/{id}/state); see [Profile.Decode].
func (c *Client) State(ctx context.Context, id string) (json.RawMessage, error) {
	return c.document(ctx, request{op: opState, id: id})
}

// Control sends one control call (POST /devices/{id}/control). Nil means that
// LG accepted it; that the appliance did it, only a report or a read can tell.
// An error of class Busy leaves open whether it had an effect.
func (c *Client) Control(ctx context.Context, id string, body []byte) error {
	_, err := c.do(WithLane(ctx, Command), request{op: opControl, id: id, body: body})
	return err
}

// Register makes this installation known as a client of the event broker (POST
// /client). Being known already is success.
func (c *Client) Register(ctx context.Context) error {
	_, err := c.wrapped(ctx, opRegister, registration)
	return err
}

// Unregister takes the registration back (DELETE /client). Subscriptions and
// certificate presumably end with it; a restart needs none of this.
func (c *Client) Unregister(ctx context.Context) error {
	if _, err := c.wrapped(ctx, opUnregister, registration); err != nil {
		return err
	}
	return c.keep(func(id *Identity) { *id = Identity{ClientID: id.ClientID} })
}

// Constants of LG's SDK: the service and the kind of device that a third party's
// program is to LG.
var registration = map[string]any{
	"type": "MQTT", "service-code": serviceCode, "device-type": "607", "allowExist": true,
}

const serviceCode = "SVC202"

// Certificate has LG sign a certificate request (POST /client/certificate): the
// base64 of its DER form, in one line. It returns the certificate in PEM and the
// topics to subscribe to.
func (c *Client) Certificate(ctx context.Context, csr string) (pem string, topics []string, err error) {
	response, err := c.wrapped(ctx, opCertificate, map[string]any{"service-code": serviceCode, "csr": csr})
	if err != nil {
		return "", nil, err
	}
	var answer struct {
		CertificatePEM string   `json:"certificatePem"`
		Subscriptions  []string `json:"subscriptions"`
	}
	if err := c.result(opCertificate, response, &answer); err != nil {
		return "", nil, err
	}
	return answer.CertificatePEM, answer.Subscriptions, nil
}

// PushSubscriptions lists the appliances whose notifications are subscribed to
// (GET /push).
func (c *Client) PushSubscriptions(ctx context.Context) ([]string, error) {
	return c.ids(ctx, opPushList)
}

// SubscribePush asks for an appliance's notifications (POST
// /push/{id}/subscribe); it does not expire. Already having them is success.
func (c *Client) SubscribePush(ctx context.Context, id string) error {
	return c.settled(ctx, request{op: opPushSubscribe, id: id})
}

// UnsubscribePush ends an appliance's notifications (DELETE
// /push/{id}/unsubscribe). Not having them is success.
func (c *Client) UnsubscribePush(ctx context.Context, id string) error {
	return c.settled(ctx, request{op: opPushUnsubscribe, id: id})
}

// LifecycleSubscriptions is LG's answer to who has subscribed to news of added,
// removed and renamed appliances (GET /push/devices). LG does not document its
// form.
func (c *Client) LifecycleSubscriptions(ctx context.Context) (json.RawMessage, error) {
	return c.do(ctx, request{op: opLifecycleList})
}

// SubscribeLifecycle asks for news of added, removed and renamed appliances
// (POST /push/devices). Already having them is success.
func (c *Client) SubscribeLifecycle(ctx context.Context) error {
	return c.settled(ctx, request{op: opLifecycleSubscribe})
}

// UnsubscribeLifecycle ends such news (DELETE /push/devices). Not having them is
// success.
func (c *Client) UnsubscribeLifecycle(ctx context.Context) error {
	return c.settled(ctx, request{op: opLifecycleUnsubscribe})
}

// EventSubscriptions lists the appliances whose reports are subscribed to (GET
// /event). LG does not tell until when.
func (c *Client) EventSubscriptions(ctx context.Context) ([]string, error) {
	return c.ids(ctx, opEventList)
}

// SubscribeEvents asks for an appliance's reports (POST /event/{id}/subscribe),
// and renews an earlier request. LG accepts 4464 hours and documents 24: renew
// well before 24 h.
func (c *Client) SubscribeEvents(ctx context.Context, id string) error {
	return c.settled(ctx, request{op: opEventSubscribe, id: id,
		body: []byte(`{"expire":{"unit":"HOUR","timer":4464}}`)})
}

// UnsubscribeEvents ends an appliance's reports (DELETE /event/{id}/unsubscribe).
// Not having them is success.
func (c *Client) UnsubscribeEvents(ctx context.Context, id string) error {
	return c.settled(ctx, request{op: opEventUnsubscribe, id: id})
}

// EnergyProfile names what an appliance's meter can report, mostly "energyUsage"
// (GET /devices/energy/{id}/profile). Without a meter it is an error of class
// Unsupported.
func (c *Client) EnergyProfile(ctx context.Context, id string) ([]string, error) {
	response, err := c.do(ctx, request{op: opEnergyProfile, id: id})
	if err != nil {
		return nil, err
	}
	var answer struct{ Property []string }
	err = c.result(opEnergyProfile, response, &answer)
	return answer.Property, err
}

// Period is the length of one entry of metered values.
type Period string

// LG's periods.
const (
	Daily   Period = "DAILY"
	Monthly Period = "MONTHLY"
)

var periodLayouts = map[Period]string{Daily: "20060102", Monthly: "200601"}

// Usage is a metered value.
type Usage struct {
	Start     time.Time // the day or month, as midnight in the location that was asked with
	WattHours float64
}

// EnergyUsage reads metered values from one day or month to another, both
// included (GET /devices/energy/{id}/usage). Entries that LG has no value for
// are missing; the value of the day that runs is not complete.
func (c *Client) EnergyUsage(ctx context.Context, id, property string, p Period, from, to time.Time) ([]Usage, error) {
	layout, ok := periodLayouts[p]
	if !ok {
		return nil, fmt.Errorf("period %q is neither DAILY nor MONTHLY", p)
	}
	response, err := c.do(ctx, request{op: opEnergyUsage, id: id, query: url.Values{
		"property": {property}, "period": {string(p)}, "startDate": {from.Format(layout)}, "endDate": {to.Format(layout)},
	}})
	if err != nil {
		return nil, err
	}
	var answer struct{ DataList []map[string]any }
	if err := c.result(opEnergyUsage, response, &answer); err != nil {
		return nil, err
	}
	var usage []Usage
	for _, entry := range answer.DataList {
		if u, ok := parseUsage(entry, property, layout, from.Location()); ok {
			usage = append(usage, u)
		}
	}
	return usage, nil
}

// parseUsage reads one entry. LG's servers have been seen to name the value
// after the property, LG's documentation names it useAmount.
func parseUsage(entry map[string]any, property, layout string, loc *time.Location) (Usage, bool) {
	date, _ := entry["usedDate"].(string)
	start, err := time.ParseInLocation(layout, date, loc)
	if err != nil {
		return Usage{}, false
	}
	for _, key := range []string{property, "useAmount"} {
		switch v := entry[key].(type) {
		case float64:
			return Usage{start, v}, true
		case string:
			if f, err := strconv.ParseFloat(v, 64); err == nil {
				return Usage{start, f}, true
			}
		}
	}
	return Usage{}, false
}

// document makes a call whose response is handed on as it is; {} if there is none.
func (c *Client) document(ctx context.Context, r request) (json.RawMessage, error) {
	response, err := c.do(ctx, r)
	if err == nil && response == nil {
		response = json.RawMessage("{}")
	}
	return response, err
}

// ask makes a call and decodes its response; v stays as it is if there is none.
func (c *Client) ask(ctx context.Context, r request, v any) error {
	response, err := c.do(ctx, r)
	if err != nil || response == nil {
		return err
	}
	if err := json.Unmarshal(response, v); err != nil {
		return c.unreadable(r.op, err)
	}
	return nil
}

// settled makes a call for which "was so already" is success.
func (c *Client) settled(ctx context.Context, r request) error {
	_, err := c.do(ctx, r)
	if ClassOf(err) == Done {
		return nil
	}
	return err
}

// wrapped sends a body as the SDK does and, if LG does not accept it, inside of
// {"body":…}, as LG's newer examples show it.
func (c *Client) wrapped(ctx context.Context, op operation, body map[string]any) (json.RawMessage, error) {
	flat, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	response, err := c.do(ctx, request{op: op, body: flat})
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "1101" && e.Code != "1102" {
		return response, err
	}
	return c.do(ctx, request{op: op, body: fmt.Appendf(nil, `{"body":%s}`, flat)})
}

// result decodes what LG puts one level deeper, beside a code of success; some
// answers lack that level.
func (c *Client) result(op operation, response json.RawMessage, v any) error {
	var answer struct {
		ResultCode lgCode          `json:"resultCode"`
		Result     json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(response, &answer); err != nil {
		return c.unreadable(op, err)
	}
	if answer.ResultCode != "" && answer.ResultCode != "0000" {
		return &Error{Endpoint: c.surface.endpoints[op].String(), Status: 200, Code: string(answer.ResultCode)}
	}
	if answer.Result != nil {
		response = answer.Result
	}
	if err := json.Unmarshal(response, v); err != nil {
		return c.unreadable(op, err)
	}
	return nil
}

// ids lists devices from objects with a deviceId or from bare ids.
func (c *Client) ids(ctx context.Context, op operation) ([]string, error) {
	response, err := c.do(ctx, request{op: op})
	if err != nil {
		return nil, err
	}
	found, err := entries[idEntry](response, "devices")
	if err != nil {
		return nil, c.unreadable(op, err)
	}
	ids := make([]string, 0, len(found))
	for _, e := range found {
		if e.DeviceID != "" {
			ids = append(ids, e.DeviceID)
		}
	}
	return ids, nil
}

type idEntry struct{ DeviceID string }

// UnmarshalJSON takes {"deviceId":"…"} and "…".
func (e *idEntry) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &e.DeviceID) == nil {
		return nil
	}
	type object idEntry
	return json.Unmarshal(data, (*object)(e))
}

// entries decodes an array, bare or as the member of an object; nothing and null
// are an empty one. What makes no sense in an entry stays empty.
func entries[T any](response json.RawMessage, member string) ([]T, error) {
	if response == nil {
		return nil, nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(response, &raw); err != nil {
		var object map[string]json.RawMessage
		if json.Unmarshal(response, &object) != nil || object[member] == nil && len(object) > 0 {
			return nil, err
		}
		if object[member] != nil {
			if err := json.Unmarshal(object[member], &raw); err != nil {
				return nil, err
			}
		}
	}
	all := make([]T, 0, len(raw))
	for _, r := range raw {
		var e T
		_ = json.Unmarshal(r, &e) // a member of another type stays empty, the others are read
		all = append(all, e)
	}
	return all, nil
}

// unreadable is the error of a response that has not the documented form.
func (c *Client) unreadable(op operation, err error) error {
	return &Error{Endpoint: c.surface.endpoints[op].String(), Status: 200, Message: clip("unexpected form: " + err.Error())}
}
