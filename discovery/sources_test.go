package discovery

import (
	"slices"
	"testing"
	"time"
)

func TestSources(t *testing.T) {
	for _, tt := range []struct{ sample, entity, source string }{
		{"washer_twin", "finish_time", "timer.remainMinute@MAIN"},
		{"washer_twin", "running", "runState.currentState@MAIN"},
		{"washer_twin", "cycle", "runState.currentState@MAIN"},
		{"washer_twin", "mini_running", "runState.currentState@MINI"},
		{"washer_twin", "current_state", "runState.currentState@MAIN"},
		{"washtower_one_piece", "start", "dryer/operation.dryerOperationMode"},
		{"dish_washer_integrated", "salt_low", "notification.SALT_REFILL_IS_NEEDED"},
		{"dish_washer_integrated", "close_door_reset", "error"},
		{"air_conditioner_living_room", "climate", "airConJobMode.currentJobMode"},
		{"air_conditioner_living_room", "climate", "temperatureInUnits.currentTemperature#C"},
	} {
		s := sampleNamed(t, tt.sample)
		devices := s.describe(testOptions)
		d := devices[len(devices)-1]
		var got []string
		for _, p := range d.Sources(s.profile, s.state, noon.Add(time.Hour))[tt.entity] {
			got = append(got, p.String())
		}
		if !slices.Contains(got, tt.source) {
			t.Errorf("%s: %s follows %v, not %s", tt.sample, tt.entity, got, tt.source)
		}
	}
}
