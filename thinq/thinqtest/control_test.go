package thinqtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestControlForm(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	const main = `"location":{"locationName":"MAIN"},`
	for _, tt := range []struct {
		name, device, body string
		code               string
	}{
		{"no body", "ac", ``, "1101"},
		{"no JSON", "ac", `{`, "1000"},
		{"empty", "ac", `{}`, "1101"},
		{"list", "ac", `[{"airFlow":{"windStrength":"LOW"}}]`, "1101"},
		{"null", "ac", `null`, "1101"},
		{"good", "ac", `{"airFlow":{"windStrength":"LOW"}}`, ""},
		{"two resources", "ac", `{"airFlow":{"windStrength":"LOW"},"airConJobMode":{"currentJobMode":"COOL"}}`, ""},
		{"unknown resource", "ac", `{"airWaves":{"windStrength":"LOW"}}`, "2207"},
		{"unknown property", "ac", `{"airFlow":{"windForce":"LOW"}}`, "2207"},
		{"one good, one unknown", "ac", `{"airFlow":{"windStrength":"LOW","windForce":"LOW"}}`, "2207"},
		{"not writable", "ac", `{"display":{"light":1}}`, "2207"},
		{"unknown word", "ac", `{"airFlow":{"windStrength":"STORM"}}`, "2207"},
		{"lower case word", "ac", `{"airFlow":{"windStrength":"low"}}`, "2207"},
		{"word as number", "ac", `{"airFlow":{"windStrength":1}}`, "2207"},
		{"null value", "ac", `{"airFlow":{"windStrength":null}}`, "2207"},
		{"resource without property", "ac", `{"airFlow":{}}`, "2207"},
		{"resource as value", "ac", `{"airFlow":"LOW"}`, "2207"},
		{"below the range", "ac", `{"temperature":{"targetTemperature":17}}`, "2207"},
		{"above the range", "ac", `{"temperature":{"targetTemperature":31}}`, "2207"},
		{"off the grid", "ac", `{"temperature":{"targetTemperature":20.5}}`, "2207"},
		{"number as text", "ac", `{"temperature":{"targetTemperature":"20"}}`, "2207"},
		{"location of a plain one", "ac", `{` + main + `"airFlow":{"windStrength":"LOW"}}`, "2207"},
		{"by unit", "ac", `{"temperatureInUnits":{"coolTargetTemperature":66,"unit":"F"}}`, ""},
		{"off the unit's grid", "ac", `{"temperatureInUnits":{"coolTargetTemperature":65,"unit":"F"}}`, "2207"},
		{"unit missing", "ac", `{"temperatureInUnits":{"coolTargetTemperature":20}}`, "2207"},
		{"unit unknown", "ac", `{"temperatureInUnits":{"coolTargetTemperature":20,"unit":"K"}}`, "2207"},
		{"unit alone", "ac", `{"temperatureInUnits":{"unit":"C"}}`, "2207"},
		{"array by unit", "ac", `{"temperatureInUnits":[{"coolTargetTemperature":20,"unit":"C"}]}`, "2207"},
		{"read-only by unit", "ac", `{"temperatureInUnits":{"targetTemperature":20,"unit":"C"}}`, "2207"},
		{"unit of a plain resource", "ac", `{"temperature":{"targetTemperature":20,"unit":"C"}}`, ""},
		{"wrong unit of a plain resource", "ac", `{"temperature":{"targetTemperature":20,"unit":"K"}}`, "2207"},
		{"location missing", "washer", `{"timer":{"relativeHourToStop":5}}`, "2207"},
		{"location unknown", "washer", `{"location":{"locationName":"ATTIC"},"timer":{"relativeHourToStop":5}}`, "2207"},
		{"two locations", "washer", `{"location":[{"locationName":"MAIN"},{"locationName":"MINI"}],"timer":{"relativeHourToStop":5}}`, "2207"},
		{"location as word", "washer", `{"location":"MAIN","timer":{"relativeHourToStop":5}}`, "2207"},
		{"location alone", "washer", `{"location":{"locationName":"MAIN"}}`, "2207"},
		{"list of locations", "washer", `[{` + main + `"timer":{"relativeHourToStop":5}}]`, "1101"},
		{"constant", "washer", `{` + main + `"detergent":{"detergentSetting":"NORMAL"}}`, "2207"},
		{"below the writing range", "washer", `{` + main + `"timer":{"relativeHourToStop":0}}`, "2207"},
		{"located", "washer", `{` + main + `"timer":{"relativeHourToStop":5}}`, ""},
		{"part missing", "tower", `{"timer":{"relativeHourToStop":5}}`, "2207"},
		{"two parts", "tower", `{"washer":{"timer":{"relativeHourToStop":5}},"dryer":{"timer":{"relativeHourToStop":5}}}`, "2207"},
		{"empty part", "tower", `{"washer":{}}`, "2207"},
		{"part", "tower", `{"dryer":{"timer":{"relativeHourToStop":5}}}`, ""},
		{"located entry", "fridge", `{"temperatureInUnits":{"locationName":"FRIDGE","targetTemperatureC":4}}`, ""},
		{"located entry with its unit", "fridge", `{"temperatureInUnits":{"locationName":"FRIDGE","targetTemperatureC":4,"unit":"C"}}`, ""},
		{"entry without location", "fridge", `{"temperatureInUnits":{"targetTemperatureC":4}}`, "2207"},
		{"entry with unknown location", "fridge", `{"temperatureInUnits":{"locationName":"CELLAR","targetTemperatureC":4}}`, "2207"},
		{"array of entries", "fridge", `{"temperatureInUnits":[{"locationName":"FRIDGE","targetTemperatureC":4}]}`, "2207"},
		{"location around instead of inside", "fridge", `{"location":{"locationName":"FRIDGE"},"temperatureInUnits":{"targetTemperatureC":4}}`, "2207"},
		{"location in a plain resource", "fridge", `{"refrigeration":{"expressMode":true,"locationName":"FRIDGE"}}`, "2207"},
		{"boolean", "fridge", `{"refrigeration":{"expressMode":true}}`, ""},
		{"boolean as word", "fridge", `{"refrigeration":{"expressMode":"true"}}`, "2207"},
		{"both set-points", "twoset", `{"twoSetTemperatureInUnits":{"heatTargetTemperature":19,"coolTargetTemperature":25,"unit":"C"}}`, ""},
		{"one set-point", "twoset", `{"twoSetTemperatureInUnits":{"coolTargetTemperature":25,"unit":"C"}}`, "2207"},
		{"extension", "cooktop", `{"operation":{"operationMode":"POWER_OFF"}}`, ""},
		{"extension with location", "cooktop", `{"location":{"locationName":"LEFT"},"operation":{"operationMode":"POWER_OFF"}}`, "2207"},
		{"zone", "cooktop", `{"location":{"locationName":"LEFT"},"power":{"powerLevel":4}}`, ""},
		{"zone without location", "cooktop", `{"power":{"powerLevel":4}}`, "2207"},
		{"nothing at all to set", "silent", `{"power":{"powerLevel":4}}`, "2207"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if e := c.call("POST", "/devices/"+tt.device+"/control", tt.body); e.Error.Code != tt.code {
				t.Errorf("%s: got %+v, want %q", tt.body, e.Error, tt.code)
			}
		})
	}
}

func TestStrictCompanions(t *testing.T) {
	for _, strict := range []bool{false, true} {
		s, network := newServer(t, thinqtest.Options{Samples: fleet(), StrictCompanions: strict})
		c := newCaller(t, s, network)
		const left = `{"location":{"locationName":"LEFT"},`
		for _, tt := range []struct {
			device, body string
			complete     bool
		}{
			{"cooktop", left + `"power":{"powerLevel":4}}`, false},
			{"cooktop", left + `"power":{"powerLevel":4},"timer":{"remainHour":0,"remainMinute":5}}`, true},
			{"ac", `{"timer":{"absoluteHourToStart":7}}`, false},
			{"ac", `{"timer":{"absoluteHourToStart":7,"absoluteMinuteToStart":30}}`, true},
		} {
			e := c.call("POST", "/devices/"+tt.device+"/control", tt.body)
			if taken := e.Status == 200; taken != (tt.complete || !strict) {
				t.Errorf("strict=%t %s: %d %+v", strict, tt.body, e.Status, e.Error)
			}
		}
	}
}

func TestControlState(t *testing.T) {
	const (
		located = `{"location":{"locationName":"MAIN"},`
		start   = located + `"operation":{"washerOperationMode":"START"}}`
		stop    = located + `"operation":{"washerOperationMode":"STOP"}}`
		off     = located + `"operation":{"washerOperationMode":"POWER_OFF"}}`
		on      = located + `"operation":{"washerOperationMode":"POWER_ON"}}`
		wake    = located + `"operation":{"washerOperationMode":"WAKE_UP"}}`
		delay   = located + `"timer":{"relativeHourToStop":5}}`
		running = located + `"runState":{"currentState":"RUNNING"}}`
		asleep  = located + `"runState":{"currentState":"SLEEP"}}`
		dead    = located + `"runState":{"currentState":"POWER_OFF"}}`
		unarmed = located + `"remoteControlEnable":{"remoteControlEnabled":false}}`
		broken  = located + `"error":"DOOR_OPEN_ERROR"}`

		acOff = `{"operation":{"airConOperationMode":"POWER_OFF"}}`
		acOn  = `{"operation":{"airConOperationMode":"POWER_ON"}}`
		wind  = `{"airFlow":{"windStrength":"LOW"}}`
		cool  = `{"temperatureInUnits":{"coolTargetTemperature":20,"unit":"C"}}`
		heat  = `{"temperatureInUnits":{"heatTargetTemperature":20,"unit":"C"}}`
		plain = `{"temperature":{"targetTemperature":20}}`
	)
	mode := func(word string) string { return `{"airConJobMode":{"currentJobMode":"` + word + `"}}` }
	for _, tt := range []struct {
		name, device, patch, body string
		code                      string
	}{
		{"start", "washer", "", start, ""},
		{"start without remote", "washer", unarmed, start, "2301"},
		{"delay without remote", "washer", unarmed, delay, "2301"},
		{"off without remote", "washer", unarmed, off, ""},
		{"start in error", "washer", broken, start, "2303"},
		{"start in error state", "washer", located + `"runState":{"currentState":"ERROR"}}`, start, "2303"},
		{"off in error", "washer", broken, off, ""},
		{"start while off", "washer", dead, start, "2304"},
		{"off while off", "washer", dead, off, "2304"},
		{"on while off", "washer", dead, on, ""},
		{"on while on", "washer", "", on, "2302"},
		{"start while running", "washer", running, start, "2302"},
		{"stop while running", "washer", running, stop, ""},
		{"stop while idle", "washer", "", stop, "2302"},
		{"delay while running", "washer", running, delay, "2302"},
		{"wake while awake", "washer", "", wake, "2302"},
		{"wake while asleep", "washer", asleep, wake, ""},
		{"start while asleep", "washer", asleep, start, "2302"},
		{"the other drum runs", "washer", running, strings.Replace(start, "MAIN", "MINI", 1), ""},

		{"wind while off", "ac", acOff, wind, "2304"},
		{"mode while off", "ac", acOff, mode("HEAT"), "2304"},
		{"temperature while off", "ac", acOff, cool, "2304"},
		{"air conditioner off while off", "ac", acOff, acOff, "2304"},
		{"air conditioner on while off", "ac", acOff, acOn, ""},
		{"on and wind in one call", "ac", acOff, `{"operation":{"airConOperationMode":"POWER_ON"},"airFlow":{"windStrength":"LOW"}}`, ""},
		{"start timer while off", "ac", acOff, `{"timer":{"absoluteHourToStart":7,"absoluteMinuteToStart":0}}`, ""},
		{"stop timer while off", "ac", acOff, `{"timer":{"relativeHourToStop":2}}`, "2304"},
		{"target in FAN", "ac", mode("FAN"), plain, "2305"},
		{"target in AIR_DRY", "ac", mode("AIR_DRY"), cool, "2305"},
		{"target in COOL", "ac", mode("COOL"), plain, ""},
		{"heat target in COOL", "ac", mode("COOL"), heat, "2305"},
		{"cool target in HEAT", "ac", mode("HEAT"), cool, "2305"},
		{"heat target in HEAT", "ac", mode("HEAT"), heat, ""},
		{"cool target in AUTO", "ac", mode("AUTO"), cool, ""},
		{"mode and its target in one call", "ac", mode("FAN"), `{"airConJobMode":{"currentJobMode":"HEAT"},"temperatureInUnits":{"heatTargetTemperature":20,"unit":"C"}}`, ""},
		{"limits of the moment", "ac", `{"temperatureInUnits":[{"unit":"C","minTargetTemperature":22,"maxTargetTemperature":30}]}`, cool, "2207"},

		{"two set-points in FAN", "twoset", mode("FAN"), `{"twoSetTemperatureInUnits":{"heatTargetTemperature":19,"coolTargetTemperature":25,"unit":"C"}}`, "2305"},
		{"two set-points switched off", "twoset", `{"twoSetTemperature":{"twoSetEnabled":false}}`, `{"twoSetTemperatureInUnits":{"heatTargetTemperature":19,"coolTargetTemperature":25,"unit":"C"}}`, "2305"},

		{"water heat", "boiler", "", `{"roomTemperatureInUnits":{"waterHeatTargetTemperature":40,"unit":"C"}}`, ""},
		{"air heat of a water boiler", "boiler", "", `{"roomTemperatureInUnits":{"airHeatTargetTemperature":20,"unit":"C"}}`, "2305"},
		{"water cool in HEAT", "boiler", "", `{"roomTemperatureInUnits":{"waterCoolTargetTemperature":20,"unit":"C"}}`, "2305"},
		{"water heat beyond the state's limit", "boiler", "", `{"roomTemperatureInUnits":{"waterHeatTargetTemperature":60,"unit":"C"}}`, "2207"},
		{"hot water beyond the state's limit", "boiler", "", `{"hotWaterTemperatureInUnits":{"targetTemperature":70,"unit":"C"}}`, "2207"},
		{"hot water while heating is off", "boiler", `{"operation":{"boilerOperationMode":"POWER_OFF"}}`, `{"hotWaterTemperatureInUnits":{"targetTemperature":45,"unit":"C"}}`, ""},

		{"locked zone", "cooktop", `[{"location":{"locationName":"LEFT"},"cookingZone":{"currentState":"LOCK"}}]`, `{"location":{"locationName":"LEFT"},"power":{"powerLevel":4}}`, "2302"},
		{"robot resumes what it does not pause", "robot", "", `{"operation":{"cleanOperationMode":"RESUME"}}`, "2302"},
		{"robot goes home", "robot", `{"runState":{"currentState":"WORKING"}}`, `{"operation":{"cleanOperationMode":"HOMING"}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, network := newServer(t, thinqtest.Options{Samples: fleet()})
			c := newCaller(t, s, network)
			if tt.patch != "" {
				if err := s.Patch(tt.device, []byte(tt.patch)); err != nil {
					t.Fatal(err)
				}
			}
			for _, conditional := range []string{"", "true", "maybe", "false"} { // the last has its effect
				r := c.request("POST", "/devices/"+tt.device+"/control", tt.body)
				want := tt.code
				switch conditional {
				case "maybe":
					want = "1216"
				case "false":
					want = ""
				}
				if conditional != "" {
					r.Header.Set("x-conditional-control", conditional)
				}
				if tt.code == "" && conditional != "true" {
					continue // once is enough
				}
				if e := c.do(r); e.Error.Code != want {
					t.Errorf("x-conditional-control %q: got %+v, want %q", conditional, e.Error, want)
				}
			}
		})
	}
}

func TestOffline(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	s.SetOnline("ac", false)
	for _, call := range [][3]string{{"GET", "/devices/ac/state", ""}, {"POST", "/devices/ac/control", `no json`}} {
		if e := c.call(call[0], call[1], call[2]); e.Status != 416 || e.Error.Code != "1222" {
			t.Errorf("%s %s: %d %+v", call[0], call[1], e.Status, e.Error)
		}
	}
	c.must("GET", "/devices/ac/profile", "")
	s.SetOnline("ac", true)
	c.must("GET", "/devices/ac/state", "")
}

// TestObedience looks at all that a control call changes.
func TestObedience(t *testing.T) {
	for _, tt := range []struct {
		name, device, body string
		want               string // part of the state
	}{
		{"both units and the old resource", "ac", `{"temperatureInUnits":{"coolTargetTemperature":22,"unit":"C"}}`,
			`{"temperature":{"currentTemperature":25,"targetTemperature":22,"unit":"C"},"temperatureInUnits":[
				{"currentTemperature":25,"targetTemperature":22,"unit":"C"},{"currentTemperature":77,"targetTemperature":72,"unit":"F"}]}`},
		{"from the other unit", "ac", `{"temperatureInUnits":{"coolTargetTemperature":68,"unit":"F"}}`,
			`{"temperature":{"currentTemperature":25,"targetTemperature":20,"unit":"C"},"temperatureInUnits":[
				{"currentTemperature":25,"targetTemperature":20,"unit":"C"},{"currentTemperature":77,"targetTemperature":68,"unit":"F"}]}`},
		{"from the old resource", "ac", `{"temperature":{"targetTemperature":24}}`,
			`{"temperature":{"currentTemperature":25,"targetTemperature":24,"unit":"C"},"temperatureInUnits":[
				{"currentTemperature":25,"targetTemperature":24,"unit":"C"},{"currentTemperature":77,"targetTemperature":76,"unit":"F"}]}`},
		{"hour of a timer", "ac", `{"timer":{"relativeHourToStop":2}}`,
			`{"timer":{"absoluteStartTimer":"UNSET","relativeHourToStop":2,"relativeMinuteToStop":0,"relativeStopTimer":"SET"}}`},
		{"time of day", "ac", `{"timer":{"absoluteHourToStart":7,"absoluteMinuteToStart":30}}`,
			`{"timer":{"absoluteStartTimer":"SET","absoluteHourToStart":7,"absoluteMinuteToStart":30,"relativeStopTimer":"UNSET"}}`},
		{"suffixed and old", "fridge", `{"temperatureInUnits":{"locationName":"FRIDGE","targetTemperatureC":5}}`,
			`{"temperature":[{"locationName":"FRIDGE","targetTemperature":5,"unit":"C"}],"temperatureInUnits":[
				{"locationName":"FRIDGE","targetTemperatureC":5,"targetTemperatureF":41,"unit":"C"},
				{"locationName":"FREEZER","targetTemperatureC":-18,"targetTemperatureF":0,"unit":"C"}]}`},
		{"old and suffixed", "fridge", `{"temperature":{"locationName":"FRIDGE","targetTemperature":2}}`,
			`{"temperature":[{"locationName":"FRIDGE","targetTemperature":2,"unit":"C"}],"temperatureInUnits":[
				{"locationName":"FRIDGE","targetTemperatureC":2,"targetTemperatureF":36,"unit":"C"},
				{"locationName":"FREEZER","targetTemperatureC":-18,"targetTemperatureF":0,"unit":"C"}]}`},
		{"two set-points", "twoset", `{"twoSetTemperatureInUnits":{"heatTargetTemperature":66,"coolTargetTemperature":79,"unit":"F"}}`,
			`{"twoSetTemperatureInUnits":[{"heatTargetTemperature":19,"coolTargetTemperature":26,"unit":"C"},
				{"heatTargetTemperature":66,"coolTargetTemperature":79,"unit":"F"}]}`},
		{"oven changes its unit", "oven", `{"location":{"locationName":"OVEN"},"temperature":{"targetTemperature":400,"unit":"F"}}`,
			`{"temperature":{"targetTemperature":400,"unit":"F"}}`},
		{"water target", "boiler", `{"roomTemperatureInUnits":{"waterHeatTargetTemperature":45,"unit":"C"}}`,
			`{"roomTemperatureInUnits":[{"targetTemperature":45,"waterHeatMinTemperature":20,"waterHeatMaxTemperature":55,"unit":"C"}]}`},
		{"zone heats", "cooktop", `{"location":{"locationName":"LEFT"},"power":{"powerLevel":4},"timer":{"remainHour":0,"remainMinute":9}}`,
			`{"cookingZone":{"currentState":"COOK"},"power":{"powerLevel":4},"timer":{"remainHour":0,"remainMinute":9}}`},
		{"reserved end", "washer", `{"location":{"locationName":"MAIN"},"timer":{"relativeHourToStop":5}}`,
			`{"runState":{"currentState":"RESERVED"},"timer":{"remainHour":1,"remainMinute":0,"totalHour":1,"totalMinute":0,"relativeHourToStop":5,"relativeMinuteToStop":0}}`},
		{"half of a tower", "tower", `{"dryer":{"operation":{"dryerOperationMode":"START"}}}`,
			`{"dryer":{"runState":{"currentState":"RUNNING"},"remoteControlEnable":{"remoteControlEnabled":true},
				"timer":{"remainHour":1,"remainMinute":0,"totalHour":1,"totalMinute":0,"relativeHourToStop":0,"relativeMinuteToStop":0}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, network := newServer(t, thinqtest.Options{Samples: fleet()})
			c := newCaller(t, s, network)
			c.must("POST", "/devices/"+tt.device+"/control", tt.body)
			if got, diff := shows(t, c.must("GET", "/devices/"+tt.device+"/state", ""), tt.want); diff {
				t.Errorf("the state is %s", got)
			}
		})
	}
}

// shows says whether a state (its first location) lacks resources just as they
// should be.
func shows(t *testing.T, state json.RawMessage, want string) (string, bool) {
	t.Helper()
	var got, resources map[string]json.RawMessage
	var list []map[string]json.RawMessage
	if json.Unmarshal(state, &list) == nil {
		got = list[0]
	} else if err := json.Unmarshal(state, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &resources); err != nil {
		t.Fatal(err)
	}
	for name, value := range resources {
		if !sameJSON(string(got[name]), string(value)) {
			return compact(state), true
		}
	}
	return "", false
}

func TestCooktop(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	for _, zone := range []string{"LEFT", "RIGHT"} {
		c.must("POST", "/devices/cooktop/control", `{"location":{"locationName":"`+zone+`"},"power":{"powerLevel":4}}`)
	}
	c.must("POST", "/devices/cooktop/control", `{"operation":{"operationMode":"POWER_OFF"}}`)
	if state := string(c.must("GET", "/devices/cooktop/state", "")); strings.Contains(state, "COOK") || strings.Contains(state, "4") {
		t.Errorf("still cooking: %s", state)
	}
}
