package thinqtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNoDevice is what methods return for a device id that nobody has.
var ErrNoDevice = errors.New("no such device")

// find looks an appliance up, nil if there is none.
func (s *Server) find(id string) *appliance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(id)
}

func (s *Server) findLocked(id string) *appliance {
	for _, a := range s.devices {
		if a.id == id {
			return a
		}
	}
	return nil
}

func (s *Server) getDevices(*request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []any{}
	for _, a := range s.devices {
		list = append(list, map[string]any{"deviceId": a.id, "deviceInfo": copyOf(a.info)})
	}
	return list, nil
}

func (s *Server) getProfile(r *request) (any, error) { return r.device.profile, nil }

func (s *Server) getState(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.device.online {
		return nil, refuse("1222", "Not connected device")
	}
	return copyOf(r.device.state), nil
}

// postControl checks in LG's order: connection, form, profile, and with
// x-conditional-control the state; then the appliance obeys.
func (s *Server) postControl(r *request) (any, error) {
	conditional := r.Header.Get("x-conditional-control")
	if conditional != "" && conditional != "true" && conditional != "false" {
		return nil, refuse("1216", "Incorrect header: x-conditional-control")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := r.device
	if !a.online {
		return nil, refuse("1222", "Not connected device")
	}
	var body any
	if err := json.Unmarshal(r.body, &body); err != nil && len(r.body) > 0 {
		return nil, refuse("1000", "Bad request")
	}
	object, _ := body.(map[string]any)
	writes, err := a.writes(object)
	if err == nil {
		err = a.companions(writes, s.o.StrictCompanions)
	}
	if err == nil && conditional != "false" {
		err = allowed(writes)
	}
	if err != nil {
		return nil, err
	}
	s.act(a, s.o.ReportDelay, func() (pushes []string) {
		a.obey(writes)
		return nil
	})
	return struct{}{}, nil
}

// act changes an appliance and sends what it has to say about it, never before
// what it said earlier; mu is held.
func (s *Server) act(a *appliance, delay time.Duration, do func() (pushes []string)) {
	var pushes []string
	report := a.change(func() { pushes = do() })
	if a.online {
		s.announce(a, delay, report, pushes)
	}
}

func (s *Server) announce(a *appliance, delay time.Duration, report any, pushes []string) {
	a.reported = latest(a.reported, time.Now().Add(delay))
	if report != nil {
		s.send(a.reported, s.statusOf(a, report))
	}
	for _, code := range pushes {
		s.send(a.reported, s.pushOf(a, code))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A Device is what an appliance really is at the moment, whether or not
// anybody was told.
type Device struct {
	ID     string          `json:"deviceId"`
	Info   json.RawMessage `json:"deviceInfo"`
	Online bool            `json:"online"`
	State  json.RawMessage `json:"state"`
}

func (a *appliance) device() Device {
	return Device{ID: a.id, Info: mustJSON(a.info), Online: a.online, State: mustJSON(a.state)}
}

// Devices lists the appliances in the account's order.
func (s *Server) Devices() []Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Device{}
	for _, a := range s.devices {
		list = append(list, a.device())
	}
	return list
}

// Device shows one appliance, or returns [ErrNoDevice].
func (s *Server) Device(id string) (Device, error) {
	var d Device
	err := s.with(id, func(a *appliance) error {
		d = a.device()
		return nil
	})
	return d, err
}

func (s *Server) with(id string, do func(*appliance) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findLocked(id)
	if a == nil {
		return ErrNoDevice
	}
	return do(a)
}

// Patch lays a partial state, in LG's layout, over an appliance's, as if
// somebody had turned its knobs: it reports by itself. Values that are not in
// the profile are taken. null instead of a resource (or of error) removes it.
func (s *Server) Patch(id string, partial []byte) error {
	var v any
	if err := json.Unmarshal(partial, &v); err != nil {
		return err
	}
	return s.with(id, func(a *appliance) error {
		var err error
		s.act(a, 0, func() []string {
			before := a.snapshot()
			err = a.merge(v)
			a.mirror(before)
			return nil
		})
		return err
	})
}

// Push sends a notification, in the profile's list or not.
func (s *Server) Push(id, code string) error {
	return s.with(id, func(a *appliance) error {
		s.announce(a, 0, nil, []string{code})
		return nil
	})
}

// SetOnline lets an appliance lose or find its network. While it is gone, reads
// and controls are answered 1222 and nothing is reported; when it is back, it
// reports everything.
func (s *Server) SetOnline(id string, online bool) error {
	return s.with(id, func(a *appliance) error {
		back := online && !a.online
		a.online = online
		if back {
			s.announce(a, 0, a.whole(), nil)
		}
		return nil
	})
}

// Add puts an appliance into the account. The error says what is wrong with the
// sample, or that its id is there already.
func (s *Server) Add(sample Sample) error {
	a, err := newAppliance(sample)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.findLocked(a.id) != nil {
		return fmt.Errorf("device %s exists", a.id)
	}
	s.devices = append(s.devices, a)
	s.send(time.Now(), s.lifecycleOf(a, "DEVICE_REGISTERED"))
	return nil
}

// Remove takes an appliance out of the account, with all subscriptions to it.
func (s *Server) Remove(id string) error {
	return s.with(id, func(a *appliance) error {
		s.devices = slices.DeleteFunc(s.devices, func(d *appliance) bool { return d == a })
		for _, c := range s.clients {
			delete(c.push, id)
			delete(c.events, id)
		}
		s.send(time.Now(), s.lifecycleOf(a, "DEVICE_UNREGISTERED"))
		return nil
	})
}

// Rename changes the name that the owner gave to an appliance.
func (s *Server) Rename(id, alias string) error {
	return s.with(id, func(a *appliance) error {
		a.info["alias"] = alias
		s.send(time.Now(), s.lifecycleOf(a, "DEVICE_ALIAS_CHANGED"))
		return nil
	})
}
