package bridge_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A component is what Home Assistant would know of one entity.
type component struct {
	Platform string   `json:"platform"`
	Command  string   `json:"command_topic"`
	Template string   `json:"value_template"`
	State    string   `json:"state_topic"`
	Options  []string `json:"options"`
	On       string   `json:"payload_on"`
	Off      string   `json:"payload_off"`
	IsOn     string   `json:"state_on"`
	IsOff    string   `json:"state_off"`
	Min      *float64 `json:"min"`
	Max      *float64 `json:"max"`
}

// payloads are two of those that a user could send to a component.
func (c component) payloads() []string {
	switch {
	case c.Platform == "select" && len(c.Options) > 1:
		return []string{c.Options[0], c.Options[len(c.Options)-1]}
	case c.Platform == "switch":
		return []string{c.On, c.Off}
	case c.Platform == "number" && c.Min != nil && c.Max != nil:
		return []string{fmt.Sprint(*c.Min), fmt.Sprint(*c.Max)}
	}
	return nil
}

// TestEveryCommand sets everything that the whole home lets one set, as Home
// Assistant would, and wants each command to end once: as confirmed, and then
// the state document shows what was sent, or refused with a reason.
func TestEveryCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole home")
	}
	home := thinqtest.Samples()
	withDaemon(t, thinqtest.Options{CallsPerHour: -1, Samples: home}, func(d *daemon) {
		d.after(5 * time.Minute)
		results, err := d.broker.Subscribe("thinq2mqtt/+/result")
		if err != nil {
			d.Fatal(err)
		}
		states, err := d.broker.Subscribe("thinq2mqtt/+")
		if err != nil {
			d.Fatal(err)
		}
		announcements := d.broker.Messages("homeassistant/device/+/config")
		fates := map[string]int{}
		for _, topic := range slices.Sorted(maps.Keys(announcements)) {
			var message struct {
				Components map[string]component `json:"components"`
			}
			if err := json.Unmarshal(announcements[topic], &message); err != nil {
				d.Fatal(err)
			}
			for _, key := range slices.Sorted(maps.Keys(message.Components)) {
				c := message.Components[key]
				if strings.Contains(c.Command, "/bridge/") {
					continue
				}
				for _, payload := range c.payloads() {
					d.publish(c.Command, payload)
					fate := d.fate(results, c.Command, payload)
					fates[fate]++
					shown := d.shown(c, states)
					if fate == "confirmed" && c.State != "" && !c.orders(shown) && !slices.ContainsFunc(shown, func(s string) bool { return c.same(s, payload) }) {
						d.Errorf("%s = %s is confirmed and shows %q", c.Command, payload, shown)
					}
				}
			}
		}
		d.Log(fates)
		if fates["confirmed"] < 30 {
			d.Errorf("only %d commands confirmed", fates["confirmed"])
		}
	})
}

// orders reports whether a select is one of orders, which shows nothing: what
// comes of an order is shown by others.
func (c component) orders(shown []string) bool {
	return c.Platform == "select" && strings.HasSuffix(c.Command, "_operation_mode") &&
		!slices.ContainsFunc(shown, func(s string) bool { return s != "None" })
}

// same reports whether what is shown is what was sent.
func (c component) same(shown, sent string) bool {
	switch {
	case sent == c.On && c.IsOn != "":
		sent = c.IsOn
	case sent == c.Off && c.IsOff != "":
		sent = c.IsOff
	}
	return shown == sent || sent == "0" && shown == "None" // a timer that is not set
}

// shown are a component's values since the last call, the present one last: a
// timer that was set has gone on.
func (d *daemon) shown(c component, states <-chan linktest.Msg) (all []string) {
	d.Helper()
	for {
		select {
		case m := <-states:
			if m.Topic == c.State {
				all = append(all, d.render(c, m.Payload))
			}
			continue
		default:
		}
		break
	}
	if document, ok := d.broker.Retained(c.State); ok {
		all = append(all, d.render(c, document))
	}
	return all
}

// render is a component's value in a state document, as Home Assistant's
// template renders it.
func (d *daemon) render(c component, document []byte) string {
	d.Helper()
	var values map[string]any
	if err := json.Unmarshal(document, &values); err != nil {
		d.Fatal(err)
	}
	switch v := values[strings.TrimSuffix(strings.TrimPrefix(c.Template, "{{ value_json."), " }}")].(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	default:
		return fmt.Sprint(v)
	}
}

// fate waits for the end of the one command that was sent, and then a little for
// another end.
func (d *daemon) fate(results <-chan linktest.Msg, topic, payload string) string {
	d.Helper()
	var final []string
	for left := 45; left > 0; left-- {
		d.after(time.Second)
		if ends := d.ends(results, topic, payload); len(ends) > 0 {
			final = append(final, ends...)
			left = min(left, 6)
		}
	}
	if len(final) != 1 {
		d.Errorf("%s = %s ended %d times: %q", topic, payload, len(final), final)
		return "not once"
	}
	return final[0]
}

// ends are the results that have come, but for those of a beginning.
func (d *daemon) ends(results <-chan linktest.Msg, topic, payload string) (final []string) {
	d.Helper()
	for len(results) > 0 {
		m := <-results
		var r struct {
			Status string
			Error  struct{ Reason, Code, Message string }
		}
		if err := json.Unmarshal(m.Payload, &r); err != nil {
			d.Fatal(err)
		}
		if r.Status == "accepted" {
			continue
		}
		word := r.Status
		if r.Error.Reason != "" {
			word += ":" + r.Error.Reason
		}
		final = append(final, word)
		if r.Status == "unknown" || r.Status == "expired" || r.Error.Reason == "unsupported" || r.Error.Reason == "fault" {
			d.Errorf("%s = %s: %s", topic, payload, m.Payload)
		}
	}
	return final
}
