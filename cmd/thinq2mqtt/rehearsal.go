package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A rehearsal does with saved appliances what the bridge does with real ones:
// describe, derive, publish what differs, make control calls of commands.
type rehearsal struct {
	out        printer
	announces  bool // Home Assistant is enabled
	at         time.Time
	options    discovery.Options
	appliances []*rehearsed
	ignored    []string // slugs
}

// rehearsed is one appliance; two devices if it is a one-piece wash tower.
type rehearsed struct {
	info    thinq.Device
	profile *thinq.Profile
	first   thinq.State // as saved; nil: none
	odd     []string    // where that is not as the profile says
	energy  energy
	state   thinq.State
	devices []*discovery.Device
	gone    bool
}

// load reads an appliance; one that the configuration ignores does not appear.
func (r *rehearsal) load(dir string) error {
	m, err := savedAppliance(dir)
	if err != nil {
		return err
	}
	slug := discovery.Slug(m.info.Type, m.info.ID)
	if s := r.options.Settings(m.info.ID, slug); s.Ignore {
		r.ignored = append(r.ignored, cmp.Or(s.Slug, slug))
		return nil
	}
	r.appliances = append(r.appliances, m)
	return nil
}

// start is the first meeting: what had happened before it is no news.
func (r *rehearsal) start(m *rehearsed) {
	r.learn(m, m.first)
	r.meter(m)
	r.announce(m)
	r.publish(m)
	r.available(m, m.first != nil)
}

// available prints whether an appliance can be reached, if that is news.
func (r *rehearsal) available(m *rehearsed, online bool) {
	payload := []byte(`{"state":"offline"}`)
	if online {
		payload = []byte(`{"state":"online"}`)
	}
	for _, d := range m.devices {
		r.out.retain(r.options.Topics.Availability(d.Slug), payload)
	}
}

// learn merges what an appliance said, with what follows from it, and describes
// it anew where that matters.
func (r *rehearsal) learn(m *rehearsed, report thinq.State) (events []func()) {
	if m.state == nil {
		m.state = thinq.State{}
		m.devices = discovery.Describe(m.info, m.profile, nil, r.options)
	}
	changed := m.state.Merge(report)
	if changed == nil {
		return nil
	}
	return r.derive(m, changed)
}

// derive adds what the bridge remembers of a change and describes the appliance
// anew where that matters. The events of the change are to be told after that.
func (r *rehearsal) derive(m *rehearsed, changed thinq.State) (events []func()) {
	anew := false
	for _, d := range m.devices {
		derived, happened := d.Advance(m.state, changed, r.at)
		learnt := m.state.Merge(derived)
		anew = anew || d.Affected(m.state, changed) || d.Affected(m.state, learnt)
		for _, e := range happened {
			events = append(events, func() { r.event(d, e) })
		}
	}
	if anew {
		m.devices = discovery.Describe(m.info, m.profile, m.state, r.options)
	}
	return events
}

func (r *rehearsal) announce(m *rehearsed) {
	if !r.announces {
		return
	}
	for _, d := range m.devices {
		r.out.retain(r.options.Topics.Discovery(d.Slug), d.Announcement())
	}
}

// publish prints the states that differ from what was printed last.
func (r *rehearsal) publish(m *rehearsed) {
	for _, d := range m.devices {
		r.out.retain(r.options.Topics.State(d.Slug), d.Payload(m.state))
		extra := d.Extra(m.state)
		for _, topic := range slices.Sorted(maps.Keys(extra)) {
			r.out.retain(topic, extra[topic])
		}
	}
}

func (r *rehearsal) event(d *discovery.Device, e discovery.Event) {
	r.out.message(r.options.Topics.Event(d.Slug, e.Key), e.Payload(r.at), false)
}

// pushes applies a file of event messages.
func (r *rehearsal) pushes(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, bare(err))
	}
	var messages []json.RawMessage
	if err := json.Unmarshal(data, &messages); err != nil {
		if _, other := errors.AsType[*json.UnmarshalTypeError](err); other {
			err = errors.New("it is something else")
		}
		return fmt.Errorf("%s is not an array of event messages: %w", path, err)
	}
	for i, message := range messages {
		e, err := thinq.ParseEvent(message)
		if err != nil {
			r.out.line(map[string]any{"push": i + 1, "ignored": err.Error()})
			continue
		}
		r.out.line(map[string]any{"push": i + 1})
		for _, m := range r.appliances {
			if m.info.ID == e.Device && !m.gone {
				r.observe(m, e)
			}
		}
	}
	return nil
}

// observe handles one event as the bridge does.
func (r *rehearsal) observe(m *rehearsed, e thinq.Event) {
	switch e.Kind {
	case thinq.Report:
		report, err := m.profile.Decode(e.Report)
		if err != nil {
			return // the bridge counts it, and that is all
		}
		r.report(m, report)
	case thinq.Notice:
		r.notice(m, e.Code)
	case thinq.Renamed:
		m.info.Alias = e.Alias
		m.devices = discovery.Describe(m.info, m.profile, m.state, r.options)
		r.announce(m)
	case thinq.Left:
		m.gone = true
		for _, d := range m.devices {
			t := r.options.Topics
			if r.announces {
				r.out.retain(t.Discovery(d.Slug), nil)
			}
			r.out.retain(t.State(d.Slug), nil)
			r.out.retain(t.Availability(d.Slug), nil)
			for topic := range d.Extra(m.state) {
				r.out.retain(topic, nil)
			}
		}
	}
}

func (r *rehearsal) report(m *rehearsed, report thinq.State) {
	for _, tell := range r.learn(m, report) {
		tell()
	}
	r.announce(m)
	r.publish(m)
	r.available(m, true)
}

// notice passes a notification on.
func (r *rehearsal) notice(m *rehearsed, code string) {
	tell := r.derive(m, discovery.Notice(code))
	r.announce(m)
	for _, event := range tell {
		event()
	}
	r.publish(m)
}

// order prints the control calls that a command leads to, or why there is none.
func (r *rehearsal) order(o order, expectReport bool) {
	m, calls, err := r.wish(o)
	if err != nil {
		r.reject(err)
		return
	}
	for _, call := range calls {
		if discovery.Local(call) {
			r.report(m, call)
			continue
		}
		body, err := m.profile.Encode(call)
		if err != nil {
			r.reject(err)
			return
		}
		r.out.line(struct {
			Control any `json:"control"`
		}{struct {
			Device string          `json:"device"`
			Body   json.RawMessage `json:"body"`
		}{m.info.ID, body}})
	}
	if expectReport {
		for _, call := range calls {
			r.learn(m, call)
		}
		for _, d := range m.devices {
			r.out.message(r.options.Topics.State(d.Slug), d.Payload(m.state), true)
		}
	}
}

// wish finds the device that takes a command: the one of its slug, or the first
// that has its attributes.
func (r *rehearsal) wish(o order) (m *rehearsed, calls []thinq.State, err error) {
	err = r.unknown(o.slug)
	for _, m := range r.appliances {
		for _, d := range m.devices {
			if o.slug != "" && o.slug != d.Slug {
				continue
			}
			calls, err = d.Wish(o.attrs, m.state)
			if no, ok := errors.AsType[*discovery.Rejection](err); !ok || no.Reason != "unknown_attribute" {
				return m, calls, err
			}
		}
	}
	return nil, nil, err
}

// unknown is why a command finds no appliance.
func (r *rehearsal) unknown(slug string) *discovery.Rejection {
	switch {
	case slices.Contains(r.ignored, slug), slug == "" && len(r.ignored) > 0:
		return &discovery.Rejection{Reason: "ignored", Message: cmp.Or(slug, r.ignored[0]) + " is ignored by the configuration"}
	case slug == "":
		return &discovery.Rejection{Reason: "unknown_device", Message: "there is no appliance"}
	}
	return &discovery.Rejection{Reason: "unknown_device", Message: "there is no appliance " + slug}
}

func (r *rehearsal) reject(err error) {
	no, ok := errors.AsType[*discovery.Rejection](err)
	if !ok {
		no = &discovery.Rejection{Reason: "invalid_value", Message: err.Error()}
	}
	r.out.line(struct {
		Rejected any `json:"rejected"`
	}{struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
		Allowed any    `json:"allowed"`
	}{no.Reason, no.Message, no.Allowed}})
}

// complain says which of the user's mappings did nothing for the appliances at
// hand.
func (r *rehearsal) complain(w io.Writer) {
	var devices []*discovery.Device
	for _, m := range r.appliances {
		devices = append(devices, m.devices...)
	}
	for _, problem := range r.options.Mappings.Problems(devices, false) {
		fmt.Fprintln(w, "warning:", problem)
	}
}

// A printer writes JSON lines. Of retained messages it writes only those that
// differ from the last one of the topic, as the bridge does.
type printer struct {
	w        io.Writer
	retained map[string]string
	err      error
}

func (p *printer) retain(topic string, payload []byte) {
	if last, ok := p.retained[topic]; !ok || last != string(payload) {
		p.message(topic, payload, true)
	}
}

func (p *printer) message(topic string, payload []byte, retain bool) {
	if retain {
		p.retained[topic] = string(payload)
	}
	var value any = json.RawMessage(payload)
	if len(payload) == 0 {
		value = ""
	}
	p.line(struct {
		Topic   string `json:"topic"`
		Payload any    `json:"payload"`
		Retain  bool   `json:"retain"`
	}{topic, value, retain})
}

func (p *printer) line(v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // templates are full of < and >
	err := e.Encode(v)
	if err == nil && p.err == nil {
		_, err = p.w.Write(b.Bytes())
	}
	if p.err == nil {
		p.err = err
	}
}
