package discovery

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A story is an appliance to which things happen at times.
type story struct {
	t *testing.T
	sample
	at      time.Time
	devices []*Device
}

func meet(t *testing.T, deviceType, profile, status string) *story {
	t.Helper()
	_, s := described(t, deviceType, profile, status)
	return &story{t: t, sample: s, at: noon, devices: s.describe(testOptions)}
}

// happens advances by a change, describes anew where that matters, and returns
// the events of the first half.
func (s *story) happens(changed thinq.State) (events []Event) {
	s.t.Helper()
	anew := false
	for i, d := range s.devices {
		derived, happened := d.Advance(s.state, changed, s.at)
		learnt := s.state.Merge(derived)
		anew = anew || d.Affected(s.state, changed) || d.Affected(s.state, learnt)
		if i == 0 {
			events = happened
		}
	}
	if anew {
		s.devices = s.describe(testOptions)
	}
	return events
}

func (s *story) reports(report string) []Event {
	s.t.Helper()
	state, err := s.profile.Decode([]byte(report))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.happens(s.state.Merge(state))
}

// passes lets time pass as the bridge does: it looks when something is due.
func (s *story) passes(span time.Duration) {
	s.t.Helper()
	until := s.at.Add(span)
	for range 100 {
		due := s.devices[0].Due(s.state, s.at)
		if due.IsZero() || due.After(until) {
			s.at = until
			return
		}
		s.at = due
		s.state.Merge(s.devices[0].Tick(s.state, s.at))
	}
	s.t.Fatal("time stands still")
}

// presses uses a button.
func (s *story) presses(key string) {
	s.t.Helper()
	calls, err := s.devices[0].Wish(map[string]string{key: "PRESS"}, s.state)
	if err != nil || len(calls) > 1 || len(calls) == 1 && !Local(calls[0]) {
		s.t.Fatalf("%s: %v, %v", key, calls, err)
	}
	for _, call := range calls {
		s.happens(s.state.Merge(call))
	}
}

// shows is a value of the state document of the first half.
func (s *story) shows(key string) any {
	s.t.Helper()
	var document map[string]any
	if err := json.Unmarshal(s.devices[0].Payload(s.state), &document); err != nil {
		s.t.Fatal(err)
	}
	v, ok := document[key]
	if !ok {
		s.t.Fatalf("no %s", key)
	}
	return v
}

const (
	dehumidifierProfile = `{"notification":{"push":["WATER_IS_FULL"]},"property":{
		"operation":{"dehumidifierOperationMode":{"type":"enum","mode":["r","w"],"value":{"r":["POWER_ON","POWER_OFF"],"w":["POWER_ON","POWER_OFF"]}}}}}`
	fridgeProfile = `{"notification":{"push":["DOOR_IS_OPEN","TIME_TO_CHANGE_WATER_FILTER","WATER_FILTER_RESET_COMPLETE","TIME_TO_CHANGE_FILTER","FILTER_RESET_COMPLETE"]},"property":{
		"doorStatus":[{"locationName":"MAIN","doorState":{"type":"enum","mode":["r"],"value":{"r":["OPEN","CLOSE"]}}},
			{"locationName":"LEFT","doorState":{"type":"enum","mode":["r"],"value":{"r":["OPEN","CLOSE"]}}}],
		"waterFilterInfo":{"waterFilterState":{"type":"enum","mode":["r"],"value":{"r":["GOOD","REPLACE"]}}},
		"refrigeration":{"freshAirFilterRemainPercent":{"type":"number","mode":["r"]}}}}`
	purifierProfile = `{"notification":{"push":["TIME_TO_CHANGE_FILTER"]},"property":{"filterInfo":{
		"filterRemainPercent":{"type":"number","mode":["r"]},"topFilterRemainPercent":{"type":"number","mode":["r"]}}}}`
	batteryProfile = `{"notification":{"push":["BATTERY_IS_LOW"]},"property":{"battery":{
		"level":{"type":"enum","mode":["r"],"value":{"r":["HIGH","MID","LOW","WARNING"]}}}}}`
	dishWasherProfile = `{"notification":{"push":["WATER_LEAK_HAS_OCCURRED","SALT_REFILL_IS_NEEDED","RINSE_IS_NOT_ENOUGH"]},"error":["WATER_LEAKS_ERROR","DOOR_OPEN_ERROR"],"property":{
		"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL","RUNNING","PAUSE","END"]}}},
		"dishWashingStatus":{"rinseRefill":{"type":"boolean","mode":["r"],"value":{"r":[false,true]}}},
		"timer":{"remainHour":{"type":"number","mode":["r"]},"remainMinute":{"type":"number","mode":["r"]}}}}`
	washerProfile = `{"error":["TIME_TO_RUN_THE_TUB_CLEAN_CYCLE_ERROR","WATER_SUPPLY_ERROR"],"property":{
		"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL","RUNNING","END"]}}}}}`
	starts = `{"runState":{"currentState":"RUNNING"},"timer":{"remainHour":1,"remainMinute":0}}`
)

// TestLatches: what LG tells once is shown until it is over.
func TestLatches(t *testing.T) {
	tests := []struct {
		name, deviceType, profile, status string
		key                               string
		set                               func(*story)
		on                                bool // after it was set
		then                              func(*story)
		stays                             bool
	}{
		{"a full tank", "DEHUMIDIFIER", dehumidifierProfile, `{"operation":{"dehumidifierOperationMode":"POWER_OFF"}}`, "tank_full",
			notice("WATER_IS_FULL"), true, reported(`{"operation":{"dehumidifierOperationMode":"POWER_ON"}}`), false},
		{"a full tank for an hour", "DEHUMIDIFIER", dehumidifierProfile, `{}`, "tank_full", notice("WATER_IS_FULL"), true, pass(time.Hour), false},
		{"a full tank for less", "DEHUMIDIFIER", dehumidifierProfile, `{}`, "tank_full", notice("WATER_IS_FULL"), true, pass(59 * time.Minute), true},
		{"a full tank told again", "DEHUMIDIFIER", dehumidifierProfile, `{}`, "tank_full",
			func(s *story) { notice("WATER_IS_FULL")(s); s.passes(50 * time.Minute); notice("WATER_IS_FULL")(s) }, true, pass(50 * time.Minute), true},
		{"a code that is not listed", "NEW", `{"property":{}}`, `{}`, "tank_full", notice("WATER_IS_FULL"), true, press("tank_full_reset"), false},

		{"an open door", "REFRIGERATOR", fridgeProfile, `{"doorStatus":[{"locationName":"MAIN","doorState":"OPEN"}]}`, "door_left_open",
			notice("DOOR_IS_OPEN"), true, reported(`{"doorStatus":[{"locationName":"MAIN","doorState":"CLOSE"}]}`), false},
		{"a door open for hours", "REFRIGERATOR", fridgeProfile, `{"doorStatus":[{"locationName":"MAIN","doorState":"OPEN"}]}`, "door_left_open",
			notice("DOOR_IS_OPEN"), true, pass(3 * time.Hour), true},
		{"one of two doors", "REFRIGERATOR", fridgeProfile, `{"doorStatus":[{"locationName":"MAIN","doorState":"OPEN"},{"locationName":"LEFT","doorState":"OPEN"}]}`, "door_left_open",
			notice("DOOR_IS_OPEN"), true, reported(`{"doorStatus":[{"locationName":"MAIN","doorState":"CLOSE"}]}`), true},
		{"a door that says nothing", "WINE_CELLAR", `{"notification":{"push":["DOOR_IS_OPEN"]},"property":{}}`, `{}`, "door_left_open",
			notice("DOOR_IS_OPEN"), true, pass(time.Hour), false},

		{"a filter reset", "REFRIGERATOR", fridgeProfile, `{}`, "filter_due", notice("TIME_TO_CHANGE_FILTER"), true, notice("FILTER_RESET_COMPLETE"), false},
		{"the other filter reset", "REFRIGERATOR", fridgeProfile, `{}`, "filter_due", notice("TIME_TO_CHANGE_FILTER"), true, notice("WATER_FILTER_RESET_COMPLETE"), true},
		{"a water filter reset", "REFRIGERATOR", fridgeProfile, `{}`, "water_filter_due", notice("TIME_TO_CHANGE_WATER_FILTER"), true, notice("WATER_FILTER_RESET_COMPLETE"), false},
		{"a water filter by its state", "REFRIGERATOR", fridgeProfile, `{}`, "water_filter_due",
			reported(`{"waterFilterInfo":{"waterFilterState":"REPLACE"}}`), true, reported(`{"waterFilterInfo":{"waterFilterState":"GOOD"}}`), false},
		{"a new water filter after the notice", "REFRIGERATOR", fridgeProfile, `{"waterFilterInfo":{"waterFilterState":"REPLACE"}}`, "water_filter_due",
			notice("TIME_TO_CHANGE_WATER_FILTER"), true, reported(`{"waterFilterInfo":{"waterFilterState":"GOOD"}}`), false},
		{"a filter used up", "REFRIGERATOR", fridgeProfile, `{"refrigeration":{"freshAirFilterRemainPercent":80}}`, "filter_due",
			reported(`{"refrigeration":{"freshAirFilterRemainPercent":5}}`), true, reported(`{"refrigeration":{"freshAirFilterRemainPercent":100}}`), false},
		{"a filter used up a little more", "REFRIGERATOR", fridgeProfile, `{"refrigeration":{"freshAirFilterRemainPercent":19}}`, "filter_due",
			notice("TIME_TO_CHANGE_FILTER"), true, reported(`{"refrigeration":{"freshAirFilterRemainPercent":18}}`), true},

		{"a filter by its percents", "AIR_PURIFIER", purifierProfile, `{"filterInfo":{"filterRemainPercent":80}}`, "filter_due",
			reported(`{"filterInfo":{"filterRemainPercent":5}}`), true, reported(`{"filterInfo":{"filterRemainPercent":6}}`), false},
		{"a filter with percents by its notice", "AIR_PURIFIER", purifierProfile, `{"filterInfo":{"filterRemainPercent":12}}`, "filter_due",
			notice("TIME_TO_CHANGE_FILTER"), true, reported(`{"filterInfo":{"filterRemainPercent":100}}`), false},
		{"a battery by its words", "FIRE_DETECTION_SENSOR", batteryProfile, `{"battery":{"level":"HIGH"}}`, "battery_low",
			reported(`{"battery":{"level":"WARNING"}}`), true, reported(`{"battery":{"level":"MID"}}`), false},
		{"a battery by its notice", "FIRE_DETECTION_SENSOR", batteryProfile, `{"battery":{"level":"LOW"}}`, "battery_low",
			notice("BATTERY_IS_LOW"), true, reported(`{"battery":{"level":"FULL"}}`), false},

		{"a leak", "DISH_WASHER", dishWasherProfile, `{"runState":{"currentState":"INITIAL"}}`, "water_leak",
			notice("WATER_LEAK_HAS_OCCURRED"), true, reported(starts), false},
		{"a leak by its error", "DISH_WASHER", dishWasherProfile, `{"runState":{"currentState":"INITIAL"}}`, "water_leak",
			reported(`{"error":"WATER_LEAKS_ERROR"}`), true, reported(`{"error":"NO_ERROR"}`), true},
		{"a leak in the first state", "DISH_WASHER", dishWasherProfile, `{"error":"WATER_LEAKS_ERROR"}`, "water_leak",
			func(*story) {}, true, press("water_leak_reset"), false},
		{"salt", "DISH_WASHER", dishWasherProfile, `{"runState":{"currentState":"END"}}`, "salt_low", notice("SALT_REFILL_IS_NEEDED"), true, reported(starts), false},
		{"rinse aid filled", "DISH_WASHER", dishWasherProfile, `{"dishWashingStatus":{"rinseRefill":true}}`, "rinse_aid_low",
			notice("RINSE_IS_NOT_ENOUGH"), true, reported(`{"dishWashingStatus":{"rinseRefill":false}}`), false},
		{"an error ends", "DISH_WASHER", dishWasherProfile, `{}`, "close_door", reported(`{"error":"DOOR_OPEN_ERROR"}`), true, reported(`{"error":null}`), false},
		{"an error gives way", "DISH_WASHER", dishWasherProfile, `{}`, "close_door", reported(`{"error":"DOOR_OPEN_ERROR"}`), true, reported(`{"error":"WATER_LEAKS_ERROR"}`), false},
		{"an error is not mentioned", "DISH_WASHER", dishWasherProfile, `{}`, "close_door",
			reported(`{"error":"DOOR_OPEN_ERROR"}`), true, reported(`{"runState":{"currentState":"PAUSE"}}`), true},

		{"the tub, when the error is gone", "WASHER", washerProfile, `{}`, "tub_clean_due",
			reported(`{"error":"TIME_TO_RUN_THE_TUB_CLEAN_CYCLE_ERROR"}`), true, reported(`{"error":null,"runState":{"currentState":"RUNNING"}}`), true},
		{"the tub, reset while LG still says so", "WASHER", washerProfile, `{}`, "tub_clean_due",
			reported(`{"error":"TIME_TO_RUN_THE_TUB_CLEAN_CYCLE_ERROR"}`), true, press("tub_clean_due_reset"), false},
		{"nothing", "WASHER", washerProfile, `{}`, "tub_clean_due", reported(`{"error":"WATER_SUPPLY_ERROR"}`), false, press("tub_clean_due_reset"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := meet(t, tt.deviceType, tt.profile, tt.status)
			tt.set(s)
			if got := s.shows(tt.key); got != tt.on {
				t.Fatalf("%s is %v after it was set: %v", tt.key, got, s.state)
			}
			tt.then(s)
			if got := s.shows(tt.key); got != tt.stays {
				t.Errorf("%s is %v in the end: %v", tt.key, got, s.state)
			}
		})
	}
}

func notice(code string) func(*story) { return func(s *story) { s.happens(Notice(code)) } }

func reported(report string) func(*story) { return func(s *story) { s.reports(report) } }

func pass(span time.Duration) func(*story) { return func(s *story) { s.passes(span) } }

func press(key string) func(*story) { return func(s *story) { s.presses(key) } }

// TestLatchCodes: LG's words find their latch, and what only sounds like one
// does not.
func TestLatchCodes(t *testing.T) {
	for code, want := range map[string]string{
		"WATER_LEAKAGE_ERROR": "water_leak", "WATER_LEAKS_ERROR": "water_leak", "WATER_LEAK_HAS_OCCURRED": "water_leak",
		"EMPTY_WATER_ALERT_ERROR": "empty_tank", "EMPTY_WATHER_ALERT_ERROR": "empty_tank", "NEED_WATER_DRAIN": "empty_tank",
		"NEED_WATER_REPLENISHMENT": "fill_tank", "LACK_OF_WATER": "water_low", "WATER_IS_FULL": "tank_full",
		"TIME_TO_CHANGE_FILTER": "filter_due", "NEED_TO_CHANGE_DUST_FILTER": "filter_due", "NEED_TO_CHANGE_PRE_FILTER": "filter_due",
		"TIME_TO_CHANGE_WATER_FILTER": "water_filter_due", "TIME_TO_CLEAN_FILTER": "clean_filter", "FILTER_CLOGGING_ERROR": "clean_filter",
		"NO_FILTER_ERROR": "filter_missing", "TIME_TO_CLEAN": "cleaning_due", "TIME_TO_RUN_THE_TUB_CLEAN_CYCLE_ERROR": "tub_clean_due",
		"DOOR_IS_OPEN": "door_left_open", "DOOR_OPEN_ERROR": "close_door", "INNER_LID_OPEN_ERROR": "close_door",
		"DUST_FULL_ERROR": "dust_bin_full", "NO_DUST_BIN_ERROR": "dust_bin_missing", "MOP_ERROR": "check_mop",
		"SALT_REFILL_IS_NEEDED": "salt_low", "RINSE_IS_NOT_ENOUGH": "rinse_aid_low", "BATTERY_IS_LOW": "battery_low",
		"HIGH_TEMPERATURE_DETECTION_ERROR": "high_temperature", "POLLUTION_IS_HIGH": "pollution_high", "time_to_change_filter": "filter_due",

		"FILTER_RESET_COMPLETE": "", "WATER_FILTER_RESET_COMPLETE": "", "CLEANING_IS_COMPLETE": "", "WATER_DRAIN_ERROR": "",
		"WATER_SUPPLY_ERROR": "", "DOOR_LOCK_ERROR": "", "DOOR_SENSOR_ERROR": "", "TEMPERATURE_SENSOR_ERROR": "", "MOTOR_ERROR": "",
		"WATER_LEVEL_SENSOR_ERROR": "", "RINSING_IS_COMPLETE": "", "MOVE_ERROR": "", "": "",
	} {
		got := ""
		if l := latchOf(code); l != nil {
			got = l.Key
		}
		if got != want {
			t.Errorf("%s sets %q, want %q", code, got, want)
		}
	}
}

// TestLatchKeys: no property may have the key of a latch, so that none moves
// when a code turns up.
func TestLatchKeys(t *testing.T) {
	d, _ := described(t, "NEW", `{"property":{"tank":{"tankFull":{"type":"boolean","mode":["r"]},"filterDueReset":{"type":"boolean","mode":["r"]}}}}`, `{}`)
	for _, key := range []string{"tank_tank_full", "tank_filter_due_reset"} {
		if d.attrs[key] == nil {
			t.Errorf("no %s", key)
		}
	}
}

// TestLatchesOfATower: the half that lists a code is the one that has it.
func TestLatchesOfATower(t *testing.T) {
	s := meet(t, "WASHTOWER", `{"washer":{"error":["TIME_TO_RUN_THE_TUB_CLEAN_CYCLE_ERROR"],"property":{"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL"]}}}}},
		"dryer":{"notification":{"push":["WATER_IS_FULL"]},"error":["EMPTY_WATER_ALERT_ERROR"],"property":{"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL"]}}}}}}`, `{}`)
	has := func(key string) (parts []string) {
		for _, d := range s.devices {
			if d.attrs[key] != nil {
				parts = append(parts, d.Part)
			}
		}
		return parts
	}
	for key, want := range map[string]string{"tank_full": "dryer", "empty_tank": "dryer", "tub_clean_due": "washer"} {
		if got := has(key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is at %v", key, got)
		}
	}
	s.reports(`{"dryer":{"error":"EMPTY_WATER_ALERT_ERROR"},"washer":{"error":"TIME_TO_RUN_THE_TUB_CLEAN_CYCLE_ERROR"}}`)
	if got := s.shows("tub_clean_due"); s.devices[0].Part != "washer" || got != true {
		t.Errorf("tub_clean_due of %s is %v", s.devices[0].Part, got)
	}
	// One that does not say of which half it is belongs to the half that lists it.
	if events := s.reports(`{"error":"EMPTY_WATER_ALERT_ERROR"}`); events != nil || s.shows("error_code") != "time_to_run_the_tub_clean_cycle_error" {
		t.Errorf("events of the washer: %v, %v", events, s.shows("error_code"))
	}
}
