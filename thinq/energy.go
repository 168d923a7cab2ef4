package thinq

import (
	"context"
	"fmt"
	"net/url"
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
