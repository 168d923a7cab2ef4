package discovery

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestSwitchOrders: a switch sends the words that can be set, and knows those
// that are shown.
func TestSwitchOrders(t *testing.T) {
	descriptor := func(read, write string) string {
		return `{"property":{"operation":{"airCleanOperationMode":{"type":"enum","mode":["r","w"],"value":{"r":` + read + `,"w":` + write + `}}}}}`
	}
	tests := []struct {
		name, read, write string
		want              component
	}{
		{"the same words", `["START","STOP"]`, `["START","STOP"]`, component{"payload_on": "start", "payload_off": "stop"}},
		{"orders", `["ON","OFF"]`, `["START","STOP"]`, component{"payload_on": "start", "payload_off": "stop", "state_on": "on", "state_off": "off"}},
		{"orders the other way round", `["OFF","ON"]`, `["STOP","START"]`, component{"payload_on": "start", "payload_off": "stop", "state_on": "on", "state_off": "off"}},
		{"another pair", `["ON","OFF"]`, `["CLEAN_OFF","CLEAN_ON"]`, component{"payload_on": "clean_on", "payload_off": "clean_off", "state_on": "on", "state_off": "off"}},
		{"orders beside", `["ON","OFF"]`, `["ON","OFF","START","STOP"]`, component{"payload_on": "on", "payload_off": "off"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := meet(t, "AIR_CONDITIONER", descriptor(tt.read, tt.write), `{"operation":{"airCleanOperationMode":"ON"}}`)
			got := announced(t, s.devices[0])["air_clean_operation_mode"]
			for _, field := range []string{"payload_on", "payload_off", "state_on", "state_off"} {
				if diff := cmp.Diff(tt.want[field], got[field]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", field, diff)
				}
			}
			calls, err := s.devices[0].Wish(map[string]string{"air_clean_operation_mode": got["payload_off"].(string)}, s.state)
			if err != nil || len(calls) != 1 {
				t.Errorf("switched off: %v, %v", calls, err)
			}
		})
	}
}

// TestTimerFlag: a time that LG reports without saying that it is set counts
// all the same, until LG says that it is not.
func TestTimerFlag(t *testing.T) {
	s := meet(t, "DEHUMIDIFIER", `{"property":{"sleepTimer":{
		"relativeHourToStop":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":12},"w":{"min":1,"max":12}}},
		"relativeStopTimer":{"type":"enum","mode":["r","w"],"value":{"r":["SET","UNSET"],"w":["UNSET"]}}}}}`,
		`{"sleepTimer":{"relativeStopTimer":"UNSET"}}`)
	for _, step := range []struct {
		report string
		want   any
	}{
		{`{"sleepTimer":{"relativeHourToStop":0}}`, 0.0},
		{`{"sleepTimer":{"relativeHourToStop":4}}`, 4.0},
		{`{"sleepTimer":{"relativeStopTimer":"UNSET"}}`, 0.0},
		{`{"sleepTimer":{"relativeHourToStop":2,"relativeStopTimer":"SET"}}`, 2.0},
	} {
		s.reports(step.report)
		if got := s.shows("sleep_timer_relative_hour_to_stop"); got != step.want {
			t.Errorf("after %s: %v, want %v", step.report, got, step.want)
		}
	}
}

// TestPlatforms: what Home Assistant's own integration has on a platform is
// there, too, where the words of a model would suit another one.
func TestPlatforms(t *testing.T) {
	tests := []struct {
		name, kind, resource, descriptor, key string
		want                                  Platform
	}{
		{"a power that is only set", "AIR_CONDITIONER", "operation", `"airConOperationMode":{"type":"enum","mode":["w"],"value":{"w":["POWER_OFF","POWER_ON"]}}`, "air_con_operation_mode", Switch},
		{"and of a stranger", "PLUG", "operation", `"plugOperationMode":{"type":"enum","mode":["w"],"value":{"w":["POWER_ON","POWER_OFF"]}}`, "plug_operation_mode", Switch},
		{"orders stay buttons", "CURTAIN", "operation", `"curtainOperationMode":{"type":"enum","mode":["w"],"value":{"w":["OPEN","CLOSE"]}}`, "curtain_operation_mode_open", Button},
		{"sterilizing, on or off", "WATER_PURIFIER", "runState", `"sterilizingState":{"type":"enum","mode":["r"],"value":{"r":["ON","OFF"]}}`, "sterilizing_state", Sensor},
		{"sterilizing, or cancelled", "WATER_PURIFIER", "runState", `"sterilizingState":{"type":"enum","mode":["r"],"value":{"r":["ON","OFF","CANCEL"]}}`, "sterilizing_state", Sensor},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := meet(t, tt.kind, `{"property":{"`+tt.resource+`":{`+tt.descriptor+`}}}`, `{}`)
			got := announced(t, s.devices[0])[tt.key]
			if got["platform"] != string(tt.want) {
				t.Errorf("announced as %v", got)
			}
			if tt.want == Sensor && got["device_class"] != "enum" {
				t.Errorf("announced as %v", got)
			}
		})
	}
}

// TestCountedSeconds: seconds that nobody can set are within the limits of the
// number that shows them.
func TestCountedSeconds(t *testing.T) {
	const part = `{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":59},"w":{"min":0,"max":59}}}`
	s := meet(t, "OVEN", `{"property":[{"location":{"locationName":"OVEN"},"timer":{"timerMinute":`+part+`,
		"timerSecond":{"type":"range","mode":["r"],"value":{"r":{"min":0,"max":59}}}}}]}`, `[]`)
	s.reports(`[{"location":{"locationName":"OVEN"},"timer":{"timerMinute":59,"timerSecond":30}}]`)
	if most, shown := announced(t, s.devices[0])["timer"]["max"], s.shows("timer"); most != 60.0 || shown != 59.5 {
		t.Errorf("%v is shown, the limit is %v", shown, most)
	}
}

// TestRange: the hob of a range is as careful as one of its own, under
// whatever type LG lists it.
func TestRange(t *testing.T) {
	const zone = `{"location":{"locationName":"LEFT_FRONT"},
		"cookingZone":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL","COOK"]}}},
		"power":{"powerLevel":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":9},"w":{"min":0,"max":9}}}},
		"timer":{"remainHour":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":11},"w":{"min":0,"max":11}}},
			"remainMinute":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":59},"w":{"min":0,"max":59}}}}}`
	state := `[{"location":{"locationName":"LEFT_FRONT"},"cookingZone":{"currentState":"COOK"},"power":{"powerLevel":2},"timer":{"remainHour":0,"remainMinute":10}}]`
	for _, kind := range []string{"OVEN", "COOKTOP", "RANGE"} {
		t.Run(kind, func(t *testing.T) {
			s := meet(t, kind, `{"property":[`+zone+`]}`, state)
			d := s.devices[0]
			if _, err := d.Wish(map[string]string{"left_front_power_level": "5"}, s.state); err == nil {
				t.Error("turned up without leave")
			}
			calls, err := d.Wish(map[string]string{"left_front_power_level": "1"}, s.state)
			if err != nil || len(calls) != 1 || len(calls[0]) != 3 {
				t.Errorf("turned down: %v, %v", calls, err)
			}
			if c := announced(t, d); c["left_front_power_level"]["enabled_by_default"] != false || c["any_zone_on"] == nil {
				t.Errorf("announced as %v, %v", c["left_front_power_level"], c["any_zone_on"])
			}
		})
	}
}

// TestLeaveForHalves: what allows heat to half a tower is said of the whole.
func TestLeaveForHalves(t *testing.T) {
	d := &Device{Slug: "washtower_12345678_dryer", Part: "dryer"}
	const want = "This may start heat. To allow it, set remote_start: true for washtower_12345678 in the configuration."
	if got := needsLeave(d).Message; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUnitSpeaks: of a number that no table knows the unit says what it is.
func TestUnitSpeaks(t *testing.T) {
	number := func(unit, mode string) string {
		return `{"type":"number","mode":["` + mode + `"],"unit":"` + unit + `"}`
	}
	tests := []struct {
		name, descriptor                string
		key, class, unit, growth, title string
	}{
		{"powerConsumption", number("W", "r"), "power_consumption", "power", "W", measurement, "Power consumption"},
		{"voltage", number("V", "r"), "voltage", "voltage", "V", measurement, "Voltage"},
		{"consumed", number("Wh", "r"), "consumed", "energy", "Wh", increasing, "Consumed"},
		{"illuminance", number("LUX", "r"), "illuminance", "illuminance", "lx", measurement, "Illuminance"},
		{"colorTemperature", number("K", "r"), "color_temperature", "", "K", "", "Color temperature"},
		{"tintTemperature", number("K", "r"), "tint_temperature", "", "K", measurement, "Tint temperature"},
		{"bedroomTemperature", `{"type":"number","mode":["r"]}`, "bedroom_temperature", "temperature", "°C", measurement, "Bedroom temperature"},
		{"slotTargetTemperature", `{"type":"number","mode":["r"]}`, "slot_target_temperature", "temperature", "°C", "", "Slot target temperature"},
		{"probe", number("F", "r"), "probe", "temperature", "°F", "", "Probe"},
		{"PM25", `{"type":"number","mode":["r"]}`, "pm25", "pm25", microgram, measurement, "PM2.5"},
		{"foodRemainPercent", `{"type":"number","mode":["r"]}`, "food_remain_percent", "", "%", measurement, "Food remaining"},
		{"grams", number("G", "r"), "grams", "", "g", "", "Grams"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := meet(t, "PLUG", `{"property":{"meter":{"`+tt.name+`":`+tt.descriptor+`}}}`, `{}`)
			got := announced(t, s.devices[0])[tt.key]
			want := component{"name": tt.title, "unit_of_measurement": tt.unit}
			maps.DeleteFunc(want, func(_ string, v any) bool { return v == "" })
			for field, text := range map[string]string{"device_class": tt.class, "state_class": tt.growth} {
				if text != "" {
					want[field] = text
				}
			}
			for _, field := range []string{"name", "unit_of_measurement", "device_class", "state_class"} {
				if diff := cmp.Diff(want[field], got[field]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", field, diff)
				}
			}
			if stranger := tt.unit == "g"; stranger != (got["enabled_by_default"] == false) {
				t.Errorf("announced as %v", got)
			}
		})
	}
}

// TestSpelling: the power of a ceiling fan is found in whatever case LG writes
// its name.
func TestSpelling(t *testing.T) {
	for _, name := range []string{"ceilingfanOperationMode", "ceilingFanOperationMode"} {
		s := meet(t, "CEILING_FAN", `{"property":{
			"operation":{"`+name+`":{"type":"enum","mode":["r","w"],"value":{"r":["POWER_ON","POWER_OFF"],"w":["POWER_ON","POWER_OFF"]}}},
			"airFlow":{"windStrength":{"type":"enum","mode":["r","w"],"value":{"r":["LOW","HIGH"],"w":["LOW","HIGH"]}}}}}`, `{}`)
		calls, err := s.devices[0].Wish(map[string]string{"fan_power": "off"}, thinq.State{{Resource: "operation", Name: name}: "POWER_ON"})
		if err != nil || len(calls) != 1 {
			t.Errorf("%s: %v, %v", name, calls, err)
		}
	}
}
