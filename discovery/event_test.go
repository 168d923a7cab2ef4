package discovery

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestOddCodes: whatever LG puts into its lists of codes, what makes sense is
// announced once, and nothing beside it is lost.
func TestOddCodes(t *testing.T) {
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprintf(`"CODE_%d"`, i)
	}
	tests := []struct {
		name, profile          string
		notifications, problem []string // types of the event, and of errors
	}{
		{"empty lists", `"notification":{"push":[]},"error":[]`, nil, nil},
		{"nulls", `"notification":null,"error":null`, nil, nil},
		{"no list in it", `"notification":{}`, nil, nil},
		{"a list without push", `"notification":["A_IS_DONE"],"error":["B_ERROR"]`, []string{"a_is_done"}, []string{"b_error"}},
		{"words alone", `"notification":{"push":"A_IS_DONE"},"error":"B_ERROR"`, []string{"a_is_done"}, []string{"b_error"}},
		{"numbers and objects among them", `"notification":{"push":[7,{"code":"X"},["Y"],"A_IS_DONE",null,true]},"error":[{"a":1},"B_ERROR"]`,
			[]string{"a_is_done"}, []string{"b_error"}},
		{"an object", `"notification":{"push":{"A":"B"}},"error":{"C":"D"}`, nil, nil},
		{"twice after all", `"notification":{"push":["A_IS_DONE","a_is_done","A_Is_Done"," A_IS_DONE "]}`, []string{"a_is_done"}, nil},
		{"spaces and signs", `"notification":{"push":["A IS DONE","🧺 fertig","{{ x }}","\"q\"","",""]}`,
			[]string{"a is done", "🧺 fertig", "{{ x }}", `"q"`}, nil},
		{"very long", `"notification":{"push":["` + strings.Repeat("ä", 400) + `"]}`, []string{strings.Repeat("ä", 255)}, nil},
		{"very many", `"notification":{"push":[` + strings.Join(many, ",") + `]}`, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, s := described(t, "WASHER", `{`+tt.profile+`,"property":{"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL"]}}}}}`, `{}`)
			if d.attrs["current_state"] == nil {
				t.Error("the property beside it is lost")
			}
			checkAnnouncement(t, d.Announcement())
			checkTriggers(t, d)
			if tt.name == "very many" {
				if n := len(d.notices.types()); n != 300 || len(d.Announcement()) > 128<<10 {
					t.Errorf("%d codes, %d bytes", n, len(d.Announcement()))
				}
				return
			}
			if diff := cmp.Diff(tt.notifications, typesOf(d, "notification")); diff != "" {
				t.Errorf("notifications (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.problem, typesOf(d, "error")); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			newHome().accepts(t, []*Device{d}, s.state)
		})
	}
}

func typesOf(d *Device, key string) []string {
	for _, e := range d.Entities {
		if e.Key == key {
			types, _ := e.Config["event_types"].([]string)
			return types
		}
	}
	return nil
}

// TestManyNewCodes: an appliance that never sends the same code twice does not
// make its announcement grow for ever.
func TestManyNewCodes(t *testing.T) {
	s := meet(t, "NEW", `{"property":{}}`, `{}`)
	for i := range maxCodes - 1 {
		s.state[derivedPath("", "", fmt.Sprint("notification", learntMark, "CODE ", i))] = true
	}
	s.devices = s.describe(testOptions)
	for i := range 3 {
		code := fmt.Sprint("NEW CODE ", i)
		if events := s.happens(Notice(code)); len(events) != 1 || events[0].Code != code {
			t.Fatalf("%s is lost: %v", code, events)
		}
	}
	if n := len(s.devices[0].notices.types()); n != maxCodes {
		t.Errorf("%d codes are announced", n)
	}
}

// TestErrors: an error is told once, when it comes, and shown as long as it is
// there.
func TestErrors(t *testing.T) {
	const (
		listed   = `{"error":["DOOR_OPEN_ERROR","WATER_LEAKS_ERROR","MOTOR_ERROR"],"property":{"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL","ERROR"]}}}}}`
		unlisted = `{"property":{"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL","ERROR"]}}}}}`
	)
	tests := []struct {
		name, profile string
		reports       []string
		told          []string // codes of the events, in all
		problem       bool
		code          any
		severity      any
	}{
		{"none", listed, []string{`{"runState":{"currentState":"INITIAL"}}`}, nil, false, "no_error", nil},
		{"one", listed, []string{`{"error":"DOOR_OPEN_ERROR"}`}, []string{"DOOR_OPEN_ERROR"}, true, "door_open_error", "attention"},
		{"not mentioned is unchanged", listed, []string{`{"error":"MOTOR_ERROR"}`, `{"runState":{"currentState":"INITIAL"}}`}, []string{"MOTOR_ERROR"}, true, "motor_error", "fault"},
		{"told again is no news", listed, []string{`{"error":"MOTOR_ERROR"}`, `{"runState":{"currentState":"INITIAL"}}`, `{"error":"MOTOR_ERROR"}`}, []string{"MOTOR_ERROR"}, true, "motor_error", "fault"},
		{"over and back", listed, []string{`{"error":"WATER_LEAKS_ERROR"}`, `{"error":null}`, `{"error":"WATER_LEAKS_ERROR"}`}, []string{"WATER_LEAKS_ERROR", "WATER_LEAKS_ERROR"}, true, "water_leaks_error", "alarm"},
		{"over", listed, []string{`{"error":"MOTOR_ERROR"}`, `{"error":"no_error"}`}, []string{"MOTOR_ERROR"}, false, "no_error", nil},
		{"a word that is not listed", listed, []string{`{"error":"LE7_ERROR"}`}, []string{"LE7_ERROR"}, true, "le7_error", "fault"},
		{"a number", listed, []string{`{"error":17}`}, []string{"17"}, true, "17", "fault"},
		{"no list at all", unlisted, []string{`{"error":"LE7_ERROR"}`}, []string{"LE7_ERROR"}, true, "le7_error", "fault"},
		{"a run state that names none", listed, []string{`{"runState":{"currentState":"ERROR"}}`}, nil, true, nil, "fault"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := meet(t, "NEW", tt.profile, `{}`)
			var told []string
			for _, report := range tt.reports {
				for _, e := range s.reports(report) {
					if e.Key == "error" {
						told = append(told, e.Code)
						if !slices.Contains(typesOf(s.devices[0], "error"), e.Type) {
							t.Errorf("%s is told before it is announced", e.Type)
						}
					}
				}
			}
			if diff := cmp.Diff(tt.told, told); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			got := []any{s.shows("problem"), s.shows("error_code"), s.shows("error_severity")}
			if want := []any{tt.problem, tt.code, tt.severity}; !slices.Equal(got, want) {
				t.Errorf("problem, code, severity are %v, want %v", got, want)
			}
			newHome().accepts(t, s.devices, s.state)
		})
	}
	s := meet(t, "NEW", unlisted, `{"runState":{"currentState":"ERROR"}}`)
	if s.shows("problem") != true || s.devices[0].attrs["error_code"] != nil {
		t.Error("the run state alone is no problem")
	}
}

// TestUnsaid: only a whole state says by leaving an error out that it is over.
func TestUnsaid(t *testing.T) {
	p := thinq.Path{Resource: errorResource}
	now, read := thinq.State{p: "MOTOR_ERROR"}, thinq.State{}
	Unsaid(now, read)
	if v, said := read[p]; !said || v != nil {
		t.Errorf("%v", read)
	}
	read = thinq.State{p: "MOTOR_ERROR"}
	if Unsaid(now, read); read[p] != "MOTOR_ERROR" {
		t.Errorf("%v", read)
	}
}
