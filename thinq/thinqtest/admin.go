package thinqtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A door is one row of the admin interface. What do returns is the answer; nil
// is {}.
type door struct {
	pattern string
	do      func(s *Server, r *http.Request, body []byte) (any, error)
}

// doors open the server's own methods to tests in other processes.
var doors = []door{
	{"GET /sim/calls", func(s *Server, r *http.Request, _ []byte) (any, error) {
		since, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("since"), "0"))
		if err != nil {
			return nil, errors.New("since is the number of a call")
		}
		return s.Calls(since), nil
	}},
	{"GET /sim/devices", func(s *Server, _ *http.Request, _ []byte) (any, error) { return s.Devices(), nil }},
	{"GET /sim/devices/{id}", func(s *Server, r *http.Request, _ []byte) (any, error) { return s.Device(r.PathValue("id")) }},
	{"PATCH /sim/devices/{id}", func(s *Server, r *http.Request, body []byte) (any, error) {
		return nil, s.Patch(r.PathValue("id"), body)
	}},
	{"POST /sim/devices/{id}/push", func(s *Server, r *http.Request, body []byte) (any, error) {
		code, err := member[string](body, "pushCode")
		if err != nil {
			return nil, err
		}
		return nil, s.Push(r.PathValue("id"), code)
	}},
	{"PUT /sim/devices/{id}/online", func(s *Server, r *http.Request, body []byte) (any, error) {
		online, err := member[bool](body, "online")
		if err != nil {
			return nil, err
		}
		return nil, s.SetOnline(r.PathValue("id"), online)
	}},
	{"POST /sim/devices", func(s *Server, _ *http.Request, body []byte) (any, error) {
		sample, err := s.sample(body)
		if err != nil {
			return nil, err
		}
		return json.RawMessage(sample.Device), s.Add(sample)
	}},
	{"DELETE /sim/devices/{id}", func(s *Server, r *http.Request, _ []byte) (any, error) {
		return nil, s.Remove(r.PathValue("id"))
	}},
	{"POST /sim/devices/{id}/alias", func(s *Server, r *http.Request, body []byte) (any, error) {
		alias, err := member[string](body, "alias")
		if err != nil {
			return nil, err
		}
		return nil, s.Rename(r.PathValue("id"), alias)
	}},
	{"POST /sim/faults", func(s *Server, _ *http.Request, body []byte) (any, error) {
		var f Fault
		if err := strict(body, &f); err != nil { // a misspelt match would strike everything
			return nil, err
		}
		return nil, s.Fault(f)
	}},
	{"DELETE /sim/faults", func(s *Server, _ *http.Request, _ []byte) (any, error) {
		return nil, s.heal()
	}},
	{"POST /sim/events", func(s *Server, _ *http.Request, body []byte) (any, error) {
		mode, err := member[EventMode](body, "mode")
		if err != nil {
			return nil, err
		}
		return nil, s.SetEvents(mode)
	}},
	{"POST /sim/oauth", func(s *Server, _ *http.Request, body []byte) (any, error) {
		var change struct {
			Renewal Renewal      `json:"renewal"`
			Errors  SignInErrors `json:"errors"`
			Revoke  bool         `json:"revoke"`
		}
		if err := strict(body, &change); err != nil {
			return nil, err
		}
		return nil, s.changeOAuth(change.Renewal, change.Errors, change.Revoke)
	}},
	{"POST /sim/broker", func(s *Server, _ *http.Request, body []byte) (any, error) {
		action, err := member[string](body, "action")
		if err != nil {
			return nil, err
		}
		return nil, s.BrokerAction(action)
	}},
	{"POST /sim/clock", func(s *Server, _ *http.Request, body []byte) (any, error) {
		d, err := member[Duration](body, "advance")
		if err != nil {
			return nil, err
		}
		s.Advance(time.Duration(d))
		return map[string]time.Time{"now": s.clock.Now()}, nil
	}},
}

// AdminHandler is the admin door: every method that looks at the server or
// breaks something of it, as plain HTTP with JSON. An error is
// {"error":"…"} with status 404 for a device that is not there, else 400. A page
// of another site that has a browser change something is refused.
func (s *Server) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	for _, d := range doors {
		mux.HandleFunc(d.pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
			var answer any
			if err == nil {
				answer, err = d.do(s, r, body)
			}
			respond(w, answer, err)
		})
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// heal makes all well again: faults, events, and the broker that was stopped.
func (s *Server) heal() error {
	s.ClearFaults()
	return errors.Join(s.SetEvents(EventsOK), s.BrokerAction("start"))
}

func respond(w http.ResponseWriter, answer any, err error) {
	status := http.StatusOK
	switch {
	case errors.Is(err, ErrNoDevice):
		status = http.StatusNotFound
	case err != nil:
		status = http.StatusBadRequest
	case answer == nil:
		answer = struct{}{}
	}
	if err != nil {
		answer = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(mustJSON(answer), '\n'))
}

// strict reads an object that has no other members than v.
func strict(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// changeOAuth changes what is given, if all of it makes sense.
func (s *Server) changeOAuth(r Renewal, e SignInErrors, revoke bool) error {
	if r == "" && e == "" && !revoke {
		return errors.New("nothing is to change: give renewal, errors or revoke")
	}
	s.mu.Lock()
	r, e = cmp.Or(r, s.emp.renewal), cmp.Or(e, s.emp.errors)
	s.mu.Unlock()
	if err := errors.Join(r.check(), e.check()); err != nil {
		return err
	}
	if revoke {
		s.RevokeSignIns()
	}
	return errors.Join(s.SetRenewal(r), s.SetSignInErrors(e))
}

// member reads the one member that a body has, or the bare value.
func member[T any](body []byte, name string) (T, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) == nil {
		body = object[name]
	}
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("need {%q: …}: %w", name, err)
	}
	return v, nil
}

// sample reads an appliance to be added: the files of a sample as members named
// like them, or {"sample":"washer_twin"} for one of the built-in ones.
func (s *Server) sample(body []byte) (Sample, error) {
	var in struct {
		Sample        string          `json:"sample"`
		Device        json.RawMessage `json:"device"`
		Profile       json.RawMessage `json:"profile"`
		Status        json.RawMessage `json:"status"`
		EnergyProfile json.RawMessage `json:"energy_profile"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Sample{}, err
	}
	if in.Sample == "" && (in.Device == nil || in.Profile == nil) {
		return Sample{}, errors.New(`need {"device": …, "profile": …, "status": …} as in a sample's files, or {"sample": …} for a built-in one`)
	}
	if in.Sample == "" {
		return Sample{Name: "added", Device: in.Device, Profile: in.Profile, Status: in.Status, EnergyProfile: in.EnergyProfile}, nil
	}
	return builtIn(in.Sample)
}

// builtIn is the built-in sample of a name.
func builtIn(name string) (Sample, error) {
	var names []string
	for _, sample := range Samples() {
		if sample.Name == name {
			return sample, nil
		}
		names = append(names, sample.Name)
	}
	return Sample{}, fmt.Errorf("sample %q is none of %s", name, strings.Join(names, ", "))
}
