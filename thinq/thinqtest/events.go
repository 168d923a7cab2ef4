package thinqtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// EventMode says what becomes of event messages on their way, while every
// connection stays up.
type EventMode string

// The modes. Reorder swaps neighbours, Drop loses the first of every two messages.
const (
	EventsOK        EventMode = "ok"
	EventsSilent    EventMode = "silent"
	EventsDuplicate EventMode = "duplicate"
	EventsReorder   EventMode = "reorder"
	EventsDrop      EventMode = "drop"
)

// SetEvents changes the mode. The error names an unknown one.
func (s *Server) SetEvents(mode EventMode) error {
	switch mode {
	case EventsOK, EventsSilent, EventsDuplicate, EventsReorder, EventsDrop:
	default:
		return fmt.Errorf("mode %q is none of ok, silent, duplicate, reorder, drop", mode)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode, s.passed = mode, 0
	return nil
}

// A message is what the event broker sends, with LG's members.
type message struct {
	PushType   string   `json:"pushType"`
	ServiceID  string   `json:"serviceId,omitempty"`
	DeviceID   string   `json:"deviceId"`
	UserList   []string `json:"userList,omitempty"`
	UserNumber string   `json:"userNumber,omitempty"`
	Report     any      `json:"report,omitempty"`
	PushCode   string   `json:"pushCode,omitempty"`
	DeviceType string   `json:"deviceType,omitempty"`
	ModelName  string   `json:"modelName,omitempty"`
	Alias      string   `json:"alias,omitempty"`
}

// serviceID is LG's name for whoever uses the public key; here an invented one.
const serviceID = "5e7vice5imulated000000ab"

func (s *Server) user() string { return s.o.Country + "2401010000001" }

func (s *Server) statusOf(a *appliance, report any) message {
	return message{PushType: "DEVICE_STATUS", ServiceID: serviceID, DeviceID: a.id, UserList: []string{s.user()},
		Report: report, DeviceType: a.deviceType()}
}

func (s *Server) pushOf(a *appliance, code string) message {
	return message{PushType: "DEVICE_PUSH", ServiceID: serviceID, DeviceID: a.id, UserList: []string{s.user()},
		PushCode: code, DeviceType: a.deviceType()}
}

// lifecycleOf: in LG's documents the message about a new name says neither what
// nor whose service.
func (s *Server) lifecycleOf(a *appliance, kind string) message {
	m := message{PushType: kind, DeviceID: a.id, UserNumber: s.user(), Alias: text(a.info["alias"])}
	if kind != "DEVICE_ALIAS_CHANGED" {
		m.ServiceID, m.DeviceType = serviceID, a.deviceType()
	}
	if kind == "DEVICE_REGISTERED" {
		m.ModelName = text(a.info["modelName"])
	}
	return m
}

// encode wraps a message in the envelope of LG's documents, or not.
func (s *Server) encode(m message, nested bool) []byte {
	if !nested {
		return mustJSON(m)
	}
	envelope := "push"
	if m.PushType == "DEVICE_STATUS" {
		envelope = "event"
	}
	return mustJSON(map[string]any{
		"messageId": randomHex(11),
		"timestamp": s.timestamp(),
		envelope:    m,
	})
}

// send hands a message to whoever is subscribed at that time.
func (s *Server) send(at time.Time, m message) {
	toClient, toPartner := s.encode(m, s.o.NestedEvents), s.encode(s.partners(m), !s.o.FlatCallback)
	s.schedule.at(at, func() {
		for _, id := range s.audience(m) {
			d := delivery{id, toClient}
			if id == s.partner() {
				d.payload = toPartner
			}
			s.deliver(d)
		}
	})
}

// partners is a message as the partner's service gets it.
func (s *Server) partners(m message) message {
	if m.ServiceID != "" {
		m.ServiceID = s.ServiceID
	}
	return m
}

func (s *Server) audience(m message) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(s.clients)) {
		c := s.clients[id]
		wants := c.lifecycle
		switch {
		case m.PushType == "DEVICE_STATUS":
			_, wants = s.running(c)[m.DeviceID]
			wants = wants && s.silent[m.DeviceID] == ""
		case m.PushType == "DEVICE_PUSH":
			wants = c.push[m.DeviceID]
		}
		if wants && (c.registered || id == s.partner()) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Tell has the event broker, or the callback, tell a client something, whether it
// is a message of LG's or not.
func (s *Server) Tell(client string, payload []byte) {
	s.schedule.after(0, func() { s.deliver(delivery{client, payload}) })
}

// A delivery is a message on its way to one client.
type delivery struct {
	client  string
	payload []byte
}

// heldFor is how long a message waits for the one that shall overtake it.
const heldFor = 2 * time.Second

// deliver does to a message what the mode wants. It runs on the schedule only.
func (s *Server) deliver(d delivery) {
	s.mu.Lock()
	out := append([]delivery{d}, s.held...)
	s.held = nil
	s.passed++
	switch s.mode {
	case EventsSilent:
		out = nil
	case EventsDuplicate:
		out = []delivery{d, d}
	case EventsDrop:
		if s.passed%2 == 1 {
			out = nil
		}
	case EventsReorder:
		if len(out) == 1 {
			s.held, out = out, nil
			s.schedule.after(heldFor, func() { s.release(d) })
		}
	}
	s.mu.Unlock()
	for _, d := range out {
		s.hand(d)
	}
}

// hand gives a message to whom the client listens to.
func (s *Server) hand(d delivery) {
	if d.client == s.partner() {
		s.callback.deliver(d.payload)
		return
	}
	s.broker.deliver(d)
}

// release sends what nothing has overtaken.
func (s *Server) release(d delivery) {
	s.mu.Lock()
	waiting := len(s.held) == 1 && &s.held[0].payload[0] == &d.payload[0]
	if waiting {
		s.held = nil
	}
	s.mu.Unlock()
	if waiting {
		s.hand(d)
	}
}

func topicOf(client string) string {
	return strings.Join([]string{"app", "clients", client, "push"}, "/")
}
