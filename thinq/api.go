package thinq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
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
// left out; nil where LG's answer holds no list, not even an empty one.
func (c *Client) Devices(ctx context.Context) ([]Device, error) {
	response, err := c.do(ctx, request{op: opDevices})
	if err != nil {
		return nil, err
	}
	found, err := entries[deviceEntry](response, "devices")
	if err != nil {
		return nil, c.unreadable(opDevices, err)
	}
	if found == nil {
		return nil, nil
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
		ID: e.DeviceID, Type: clip(e.Info.DeviceType), Model: clip(e.Info.ModelName), Alias: e.Info.Alias,
		Group: e.Info.GroupID, Reportable: bool(e.Info.Reportable),
	}
}

// ParseDevice reads one element of LG's list of devices. The error says why it
// is none.
func ParseDevice(data []byte) (Device, error) {
	var e deviceEntry
	if err := json.Unmarshal(data, &e); err != nil {
		if _, other := errors.AsType[*json.UnmarshalTypeError](err); other {
			err = errors.New("not an object, or with a value of another kind than LG's")
		}
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

// Profile reads a profile (GET /devices/{id}/profile); see [ParseProfile]. An
// answer without a response is an error.
func (c *Client) Profile(ctx context.Context, id string) (json.RawMessage, error) {
	return c.document(ctx, request{op: opProfile, id: id})
}

// State reads a whole state (GET /devices/{id}/state); see [Profile.Decode]. An
// answer without a response is an error.
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
// and renews an earlier request: do so well before 24 h.
func (c *Client) SubscribeEvents(ctx context.Context, id string) error {
	return c.settled(ctx, request{op: opEventSubscribe, id: id,
		body: fmt.Appendf(nil, `{"expire":{"unit":"HOUR","timer":%d}}`, c.surface.hours)})
}

// UnsubscribeEvents ends an appliance's reports (DELETE /event/{id}/unsubscribe).
// Not having them is success.
func (c *Client) UnsubscribeEvents(ctx context.Context, id string) error {
	return c.settled(ctx, request{op: opEventUnsubscribe, id: id})
}

// User is LG's number of the token's owner (GET /users), for partners of the
// first API only. It is personal data.
func (c *Client) User(ctx context.Context) (string, error) {
	var answer struct{ UserNumber string }
	if err := c.ask(ctx, request{op: opUser}, &answer); err != nil {
		return "", err
	}
	if answer.UserNumber == "" {
		return "", c.unreadable(opUser, errors.New("no userNumber"))
	}
	return answer.UserNumber, nil
}

// Disconnect ends the user's consent to the service (DELETE /user/service), for
// partners of the first API only.
func (c *Client) Disconnect(ctx context.Context) error {
	_, err := c.do(ctx, request{op: opDisconnect})
	return err
}
