package thinqtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Fault is something that goes wrong with calls of the REST interface or of
// EMP. Of several that match a call, the one that was set first strikes.
type Fault struct {
	Match      Match    `json:"match"`
	Times      int      `json:"times"`       // how often; 0: until the faults are cleared
	Status     int      `json:"status"`      // of the answer; 0: as the code or the body suggests
	Code       string   `json:"code"`        // LG's, in LG's envelope; of EMP's token endpoint also "500": "oauth date time error"
	Delay      Duration `json:"delay"`       // of the answer, and of the effect unless After
	Body       string   `json:"body"`        // instead of the envelope: html, login, object ("{}"), empty, invalid; echo repeats the headers; reset breaks the connection
	RetryAfter Duration `json:"retry_after"` // header; 0: none
	// RetryText is that header in words of its own: a date, "soon".
	RetryText string `json:"retry_text"`
	After     bool   `json:"after"` // the call has its effect, only the answer is spoilt
}

// A Match says which calls a fault is for; an empty field matches everything.
type Match struct {
	Method string `json:"method"`
	Path   string `json:"path"`   // exact, "*" for one segment: /devices/*/state
	Device string `json:"device"` // id
}

// A Duration is read from JSON as text ("12s") or as a number of seconds.
type Duration time.Duration

// UnmarshalJSON reads either form.
func (d *Duration) UnmarshalJSON(data []byte) error {
	if seconds, err := strconv.ParseFloat(string(data), 64); err == nil {
		*d = Duration(seconds * float64(time.Second))
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("%s is no duration: write \"12s\" or a number of seconds", data)
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}

// MarshalJSON writes text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// login is what a captive portal has for everybody.
const login = "<!DOCTYPE html><title>Welcome</title><form action=/login><input name=room></form>\n"

// spoilt are the answers that are not LG's.
var spoilt = map[string]func(*http.Request) *reply{
	"html": func(*http.Request) *reply {
		const page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
		return &reply{status: http.StatusBadGateway, headers: map[string]string{"Content-Type": "text/html"}, body: []byte(page)}
	},
	"login": func(*http.Request) *reply {
		return &reply{status: http.StatusOK, headers: map[string]string{"Content-Type": "text/html; charset=utf-8"}, body: []byte(login)}
	},
	"object": func(*http.Request) *reply {
		return &reply{status: http.StatusOK, headers: map[string]string{"Content-Type": "application/json"}, body: []byte("{}")}
	},
	"empty": func(*http.Request) *reply { return &reply{status: http.StatusOK, headers: map[string]string{}} },
	"invalid": func(*http.Request) *reply {
		return &reply{status: http.StatusOK, headers: map[string]string{"Content-Type": "application/json"}, body: []byte(`{"messageId":"x","resp`)}
	},
	"echo": func(r *http.Request) *reply {
		text, _ := json.Marshal(fmt.Sprint("no rule for ", r.Header["Authorization"], r.Header)) // it is a text
		return &reply{
			status: http.StatusBadGateway, headers: map[string]string{"Content-Type": "application/json"},
			body: fmt.Appendf(nil, `{"error":{"code":"9999","message":%s}}`, text),
		}
	},
	"reset": func(*http.Request) *reply { return &reply{headers: map[string]string{}} },
}

// Fault adds a fault. The error names a field that makes no sense.
func (s *Server) Fault(f Fault) error {
	if f.Body != "" && spoilt[f.Body] == nil {
		return fmt.Errorf("body %q is none of html, login, object, empty, invalid, echo, reset", f.Body)
	}
	if f.Body == "" && f.Code == "" && f.Status == 0 && f.Delay == 0 {
		return errors.New("nothing is to go wrong: give status, code, delay or body")
	}
	if f.Times < 0 || f.Delay < 0 || f.RetryAfter < 0 {
		return errors.New("times, delay and retry_after cannot be below 0")
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("status %d is not within 200 and 599", f.Status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// strike takes the first fault that matches a call.
func (s *Server) strike(method, path, device string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.Match.matches(method, path, device) })
	if i < 0 {
		return nil
	}
	f := *s.faults[i]
	if f.Times == 1 {
		s.faults = slices.Delete(s.faults, i, i+1)
	} else if f.Times > 1 {
		s.faults[i].Times--
	}
	return &f
}

func (m Match) matches(method, path, device string) bool {
	return (m.Method == "" || strings.EqualFold(m.Method, method)) &&
		(m.Path == "" || pathMatches(m.Path, path)) &&
		(m.Device == "" || m.Device == device)
}

func pathMatches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == "*" || w == g })
}

// spoil is the answer of a fault, nil if it only delays. Refuse is the answer
// for an error code.
func (f *Fault) spoil(r *http.Request, refuse func(code string) *reply) *reply {
	var re *reply
	switch {
	case f.Body != "":
		re = spoilt[f.Body](r)
	case f.Code != "":
		re = refuse(f.Code)
	case f.Status != 0:
		re = &reply{headers: map[string]string{}}
	default:
		return nil
	}
	if f.Status != 0 && f.Body != "reset" {
		re.status = f.Status
	}
	if f.RetryAfter > 0 {
		seconds := time.Duration(f.RetryAfter).Round(time.Second) / time.Second
		re.headers["Retry-After"] = strconv.Itoa(int(seconds))
	}
	if f.RetryText != "" {
		re.headers["Retry-After"] = f.RetryText
	}
	return re
}
