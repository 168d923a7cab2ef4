package thinq

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

func TestAnswers(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct {
		name   string
		status int
		body   string
		want   string // response of a success
		class  Class  // of an error
		code   string
	}{
		{"response", 200, ok(`{"a":1}`), `{"a":1}`, "", ""},
		{"array", 200, ok(`[{"a":1}]`), `[{"a":1}]`, "", ""},
		{"empty response", 200, ok("{}"), "{}", "", ""},
		{"unknown members", 200, `{"response":{"a":1},"news":[1]}`, `{"a":1}`, "", ""},
		{"null error", 200, `{"response":{"a":1},"error":null}`, `{"a":1}`, "", ""},
		{"state with an error of its own", 200, ok(`{"error":"WATER_LEAK"}`), `{"error":"WATER_LEAK"}`, "", ""},
		{"nested as deep as allowed", 200, ok(deep(maxNesting - 1)), deep(maxNesting - 1), "", ""},

		{"code as string", 400, fail(`"1103"`), "", Auth, "1103"},
		{"code as number", 401, fail(`1314`), "", Rate, "1314"},
		{"zero as number", 500, fail(`0`), "", Unknown, "0000"},
		{"too many calls as 401", 401, fail(`"1306"`), "", Rate, "1306"},
		{"offline", 416, fail(`"1222"`), "", Offline, "1222"},
		{"error under 200", 200, fail(`"1222"`), "", Offline, "1222"},
		{"error in the response", 400, ok(`{"error":{"code":"1222","message":"x"}}`), "", Offline, "1222"},
		{"error in the response under 200", 200, `{"responseCode":"1222","response":{"error":{"code":"1222"}}}`, "", Offline, "1222"},
		{"response code only", 200, `{"responseCode":"1222"}`, "", Offline, "1222"},
		{"unknown code", 400, fail(`"9876"`), "", Unknown, "9876"},
		{"unknown code, message about calls", 401, `{"error":{"code":"9876","message":"Exceeded User API calls"}}`, "", Rate, "9876"},
		{"unknown code with 503", 503, fail(`"9876"`), "", Busy, "9876"},
		{"code that is none", 403, fail(`"FORBIDDEN"`), "", Auth, ""},
		{"code as object", 500, fail(`{}`), "", Busy, ""},
		{"error as word", 401, `{"error":"invalid_token"}`, "", Auth, ""},
		{"gateway's message", 403, `{"message":"Forbidden"}`, "", Auth, ""},
		{"429 with nothing", 429, "", "", Rate, ""},
		{"502 with HTML", 502, "<html><body>Bad gateway</body></html>", "", Busy, ""},
		{"503 with nothing", 503, "", "", Busy, ""},
		{"200 with HTML", 200, "<!doctype html><title>Log in</title>", "", Busy, ""},
		{"200 with an array", 200, "[]", "", Busy, ""},
		{"200 with a word", 200, `"ok"`, "", Busy, ""},
		{"truncated", 200, `{"response":{"a":`, "", Busy, ""},
		{"two values", 200, `{} {}`, "", Busy, ""},
		{"nested too deep", 200, ok(deep(maxNesting)), "", Busy, ""},
		{"not found with nothing", 404, "", "", Unknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newLG(t, says(tt.status, tt.body)).client(t).State(t.Context(), "d")
			if string(got) != tt.want || ClassOf(err) != tt.class {
				t.Fatalf("got %s, %v (class %q); want %s, class %q", got, err, ClassOf(err), tt.want, tt.class)
			}
			if e, ok := errors.AsType[*Error](err); ok {
				if e.Code != tt.code || e.Status != tt.status || e.Endpoint != "GET /devices/{id}/state" {
					t.Errorf("got %+v", e)
				}
				if e.Text() == "" || strings.ContainsAny(e.Error(), "\r\n") {
					t.Errorf("Text %q, Error %q", e.Text(), e)
				}
			}
		})
	}
}

// An answer that holds nothing says nothing of an appliance; one that holds an
// empty object does. So it is on every surface.
func TestF024NoResponse(t *testing.T) {
	tests := []struct {
		status int
		body   string
		class  Class
	}{
		{200, ok("{}"), ""},
		{200, `{"response":{}}`, ""},
		{200, ok("null"), Busy},
		{200, `{"messageId":"x"}`, Busy},
		{200, `{"responseCode":"0000"}`, Busy},
		{200, `{}`, Busy},
		{200, "", Busy},
		{204, "", Busy},
	}
	for surface := range surfaces {
		for _, tt := range tests {
			s := newLG(t, says(tt.status, tt.body))
			o := s.options()
			if surface != Personal {
				o = s.partner(surface)
			}
			c := newTestClient(t, o)
			state, err1 := c.State(t.Context(), "d")
			profile, err2 := c.Profile(t.Context(), "d")
			if ClassOf(err1) != tt.class || ClassOf(err2) != tt.class {
				t.Errorf("%s, %d %q: %v, %v", surface, tt.status, tt.body, err1, err2)
			}
			if want := map[Class]string{"": "{}"}[tt.class]; string(state) != want || string(profile) != want {
				t.Errorf("%s, %d %q: state %s, profile %s, want %q", surface, tt.status, tt.body, state, profile, want)
			}
		}
	}
}

// sized is an answer of so many bytes.
func sized(n int) string { return ok(`"` + strings.Repeat("x", n-len(ok(`""`))) + `"`) }

// nested is a value nested so deeply, inside of an answer.
func nested(n int) string { return ok(strings.Repeat("[", n-1) + strings.Repeat("]", n-1)) }

// crowded is an answer of so many values: the list and what is around it are four.
func crowded(n int) string { return ok("[" + strings.Repeat("0,", n-5) + "0]") }

// What is one under a limit, or at it, is read; what is one over is refused, and
// costs no more memory than a few times the limit, garbage included: not even a
// bomb that grows on the way.
func TestS27Sizes(t *testing.T) {
	var spaces bytes.Buffer // compressed before, which is no work of who takes it
	z := gzip.NewWriter(&spaces)
	_, err := z.Write(bytes.Repeat([]byte(" "), 1<<20))
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		for {
			if _, err := w.Write(spaces.Bytes()); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name    string
		limit   int
		make    func(n int) string
		profile bool
	}{
		{"bytes of a state", smallAnswer, sized, false},
		{"bytes of a profile", largeAnswer, sized, true},
		{"nesting", maxNesting, nested, false},
		{"values", maxValues, crowded, true},
	}
	for _, tt := range tests {
		for over := -1; over <= 1; over++ {
			t.Run(fmt.Sprintf("%s %+d", tt.name, over), func(t *testing.T) {
				c := newLG(t, says(200, tt.make(tt.limit+over))).client(t)
				call := c.State
				if tt.profile {
					call = c.Profile
				}
				if _, err := call(t.Context(), "d"); (err == nil) != (over <= 0) || ClassOf(err) != map[bool]Class{true: Busy}[over > 0] {
					t.Errorf("error %v, class %q", err, ClassOf(err))
				}
			})
		}
	}
	t.Run("bomb", func(t *testing.T) {
		c := newLG(t, bomb).client(t)
		defer bounds.Keep(t)()
		if _, err := c.Profile(t.Context(), "d"); ClassOf(err) != Busy || !strings.Contains(err.Error(), "larger") {
			t.Error(err)
		}
	})
	for over := -1; over <= 1; over++ {
		frame := `{"pushType":"DEVICE_STATUS","deviceId":"d","report":{"a":""}}`
		message := strings.Replace(frame, `""`, `"`+strings.Repeat("x", maxEvent+over-len(frame))+`"`, 1)
		if _, err := ParseEvent([]byte(message)); (err == nil) != (over <= 0) {
			t.Errorf("an event of %d bytes: %v", len(message), err)
		}
	}
}

func TestF003RetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":                              0,
		"30":                            30 * time.Second,
		"0":                             time.Second,
		"1000000000":                    6 * time.Hour,
		"10000000000":                   6 * time.Hour, // more nanoseconds than a number holds
		"99999999999999999999999":       0,
		"-5":                            0,
		"soon":                          0,
		"Sun, 01 Mar 2026 12:01:00 GMT": time.Minute,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"Tue, 01 Mar 2033 11:00:00 GMT": 6 * time.Hour,
	}
	for value, want := range tests {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "42")
		w.WriteHeader(429)
	})
	_, err := s.client(t).State(t.Context(), "d")
	if e, ok := errors.AsType[*Error](err); !ok || e.RetryAfter != 42*time.Second {
		t.Errorf("got %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{ok(`{"a":[1]}`), fail(`"1222"`), fail(`1314`), `{"response":{"error":{"code":"1"}}}`,
		`{"error":"x"}`, "<html>", "null", `{"responseCode":1}`, `{"a":"\"[[["}`, "\xff\xfe{"} {
		f.Add(200, seed)
		f.Add(500, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		defer bounds.Keep(t)()
		response, err := parseAnswer(status, "", []byte(body))
		if err == nil {
			if status < 200 || status > 299 {
				t.Errorf("%d is a success", status)
			}
			if response != nil && !json.Valid(response) {
				t.Errorf("response %q", response)
			}
			entries[deviceEntry](response, "devices")
			entries[idEntry](response, "devices")
			return
		}
		if response != nil || err.Text() == "" || strings.ContainsAny(err.Error(), "\r\n") || len([]rune(err.Message)) > maxMessage+1 {
			t.Errorf("%q, %q, %q", response, err, err.Text())
		}
	})
}

// Whatever the header says, LG is asked again neither at once nor never.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "30", "0", "-5", "1000000000", "99999999999999999999999", "soon", "1e3", " 7", "Sun, 01 Mar 2026 12:01:00 GMT",
		"Sunday, 01-Mar-26 12:01:00 GMT", "Sun Mar  1 12:01:00 2026", "Tue, 01 Mar 9999 11:00:00 GMT"} {
		f.Add(value)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		defer bounds.Keep(t)()
		if d := retryAfter(http.Header{"Retry-After": {value}}, now); d != 0 && (d < time.Second || d > maxRetryAfter) {
			t.Errorf("%q: %v", value, d)
		}
	})
}
