package discovery_test

import (
	"fmt"
	"log"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A lamp of a type that nobody has heard of: what it says, and a wish.
func ExampleDescribe() {
	profile, err := thinq.ParseProfile([]byte(`{"property": {
		"operation": {"lampOperationMode": {"type": "enum", "mode": ["r", "w"], "value": {
			"r": ["POWER_ON", "POWER_OFF"], "w": ["POWER_ON", "POWER_OFF"]}}},
		"lamp": {"lampBrightness": {"type": "range", "mode": ["r", "w"], "value": {
			"r": {"min": 0, "max": 5, "step": 1}, "w": {"min": 1, "max": 5, "step": 1}}}}}}`))
	if err != nil {
		log.Fatal(err)
	}
	state, err := profile.Decode([]byte(`{"operation": {"lampOperationMode": "POWER_OFF"}, "lamp": {"lampBrightness": 0}}`))
	if err != nil {
		log.Fatal(err)
	}
	lamp := discovery.Describe(thinq.Device{ID: "id", Type: "DEVICE_LAMP"}, profile, state, discovery.Options{})[0]
	for _, e := range lamp.Entities {
		fmt.Println(e.Platform, e.Key)
	}
	fmt.Printf("%s\n", lamp.Payload(state))

	calls, err := lamp.Wish(map[string]string{"lamp_operation_mode": "ON", "lamp_brightness": "2.6"}, state)
	if err != nil {
		log.Fatal(err)
	}
	for _, call := range calls {
		body, err := profile.Encode(call)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", body)
	}
	// Output:
	// binary_sensor connection
	// number lamp_brightness
	// switch lamp_operation_mode
	// sensor last_update
	// button refresh
	// {"lamp_brightness":0,"lamp_operation_mode":"power_off","last_update":null}
	// {"operation":{"lampOperationMode":"POWER_ON"}}
	// {"lamp":{"lampBrightness":3}}
}
