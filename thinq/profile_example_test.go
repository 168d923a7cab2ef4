package thinq_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const refrigerator = `{"property": {
	"refrigeration": {
		"expressMode": {"type": "boolean", "mode": ["r", "w"], "value": {"r": [true, false], "w": [true, false]}}},
	"temperatureInUnits": [{
		"locationName": "FRIDGE",
		"unit": "C",
		"targetTemperatureC": {"type": "range", "mode": ["r", "w"],
			"value": {"r": {"min": 1, "max": 7, "step": 1}, "w": {"min": 1, "max": 7, "step": 1}}}}]}}`

func ExampleProfile_Decode() {
	profile, err := thinq.ParseProfile([]byte(refrigerator))
	if err != nil {
		panic(err)
	}
	state, err := profile.Decode([]byte(`{
		"refrigeration": {"expressMode": false},
		"temperatureInUnits": [{"locationName": "FRIDGE", "targetTemperatureC": 3, "unit": "C"}]}`))
	if err != nil {
		panic(err)
	}
	for _, path := range slices.SortedFunc(maps.Keys(state), thinq.Path.Compare) {
		fmt.Println(path, "is", state[path])
	}
	// Output:
	// refrigeration.expressMode is false
	// temperatureInUnits.targetTemperature@FRIDGE#C is 3
	// temperatureInUnits.unit@FRIDGE is C
}

func ExampleProfile_Encode() {
	profile, err := thinq.ParseProfile([]byte(refrigerator))
	if err != nil {
		panic(err)
	}
	target := thinq.Path{Resource: "temperatureInUnits", Name: "targetTemperature", Location: "FRIDGE", Unit: "C"}
	body, err := profile.Encode(thinq.State{target: 4.0})
	fmt.Println(string(body), err)

	_, err = profile.Encode(thinq.State{target: 12.0})
	fmt.Println(err)
	// Output:
	// {"temperatureInUnits":{"locationName":"FRIDGE","targetTemperatureC":4}} <nil>
	// fridge target temperature: 12 is not within 1 and 7
}

func ExampleState_Merge() {
	mode := thinq.Path{Resource: "airFlow", Name: "windStrength"}
	power := thinq.Path{Resource: "operation", Name: "airConOperationMode"}
	state := thinq.State{mode: "LOW", power: "POWER_ON"}

	changed := state.Merge(thinq.State{mode: "HIGH", power: "POWER_ON"})
	fmt.Println(changed)
	// Output: map[airFlow.windStrength:HIGH]
}
