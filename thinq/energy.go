package thinq

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// EnergyProfile names what an appliance's meter can report, mostly "energyUsage"
// (GET /devices/energy/{id}/profile). Without a meter it is an error of class
// Unsupported.
func (c *Client) EnergyProfile(ctx context.Context, id string) ([]string, error) {
	response, err := c.do(ctx, request{op: opEnergyProfile, id: id})
	if err != nil {
		return nil, err
	}
	var answer energyAnswer
	err = c.result(opEnergyProfile, response, &answer)
	return answer.meters(), err
}

// energyAnswer is what LG's energy calls answer, all in one.
type energyAnswer struct {
	Property any
	DataList []any
}

// What is believed of an answer: LG names a meter or two, in plain words.
const maxMeters = 16

var meterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// meters are the names that can be asked for, each once.
func (a energyAnswer) meters() []string {
	list, ok := a.Property.([]any)
	if !ok {
		list = []any{a.Property} // one without its list
	}
	var names []string
	for _, v := range list {
		name, _ := v.(string)
		if meterName.MatchString(name) && !slices.Contains(names, name) && len(names) < maxMeters {
			names = append(names, name)
		}
	}
	return names
}

// usage are the values of a meter.
func (a energyAnswer) usage(property, layout string, loc *time.Location) []Usage {
	var usage []Usage
	for _, v := range a.DataList {
		entry, _ := v.(map[string]any)
		if u, ok := parseUsage(entry, property, layout, loc); ok {
			usage = append(usage, u)
		}
	}
	return usage
}

// ParseEnergyProfile reads a saved answer of [Client.EnergyProfile].
func ParseEnergyProfile(data []byte) ([]string, error) {
	a, err := parseEnergy(data)
	return a.meters(), err
}

// ParseEnergyUsage reads a saved answer of [Client.EnergyUsage]; days and months
// begin at midnight UTC. An answer about other meters says nothing.
func ParseEnergyUsage(data []byte, property string, p Period) ([]Usage, error) {
	a, err := parseEnergy(data)
	if about := a.meters(); len(about) > 0 && !slices.Contains(about, property) {
		return nil, err
	}
	return a.usage(property, periodLayouts[p], time.UTC), err
}

// parseEnergy reads an answer as it was on the wire, or without its envelopes.
func parseEnergy(data []byte) (energyAnswer, error) {
	var whole struct {
		Response, Result json.RawMessage
		Error            fault
		ResultCode       lgCode
	}
	if err := decodeObject(data, &whole); err != nil {
		return energyAnswer{}, err
	}
	if whole.Response != nil {
		return parseEnergy(whole.Response)
	}
	code := cmp.Or(whole.Error.Code, whole.ResultCode)
	if code != "" && code != "0000" {
		return energyAnswer{}, &Error{Code: string(code), Message: clip(whole.Error.Message)}
	}
	if whole.Result != nil {
		data = whole.Result
	}
	var a energyAnswer
	err := decodeObject(data, &a)
	return a, err
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
// included (GET /devices/energy/{id}/usage). Entries that LG has no sensible value
// for are missing; the value of the day that runs is not complete.
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
	var answer energyAnswer
	if err := c.result(opEnergyUsage, response, &answer); err != nil {
		return nil, err
	}
	return answer.usage(property, layout, from.Location()), nil
}

// parseUsage reads one entry. LG's servers have been seen to name the value
// after the property, LG's documentation names it useAmount.
func parseUsage(entry map[string]any, property, layout string, loc *time.Location) (Usage, bool) {
	date, _ := entry["usedDate"].(string)
	if digits, ok := entry["usedDate"].(float64); ok {
		date = strconv.FormatFloat(digits, 'f', 0, 64)
	}
	start, err := time.ParseInLocation(layout, date, loc)
	if err != nil {
		return Usage{}, false
	}
	for _, key := range []string{property, "useAmount"} {
		wh, ok := entry[key].(float64)
		if text, isText := entry[key].(string); isText {
			wh, err = strconv.ParseFloat(text, 64)
			ok = err == nil
		}
		if ok && wh >= 0 && wh <= maxUsage { // -1 is none, and so is what no household can use
			return Usage{start, wh}, true
		}
	}
	return Usage{}, false
}

// maxUsage is more than any house can draw in a month, in Wh.
const maxUsage = 50e6
