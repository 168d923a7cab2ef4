package discovery

import (
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// What can only be written counts as shown when what mirrors it shows it.
func TestLook(t *testing.T) {
	const (
		cool   = "temperatureInUnits.coolTargetTemperature#C"
		showsC = "temperatureInUnits.targetTemperature#C"
		fan    = "airFlow.windStrength"
		start  = "operation.washerOperationMode@MAIN"
	)
	tests := []struct {
		name, sample string
		now          map[string]any
		wish         map[string]any
		want         Sight
	}{
		{"read back", "air_conditioner_living_room", map[string]any{fan: "LOW"}, map[string]any{fan: "LOW"}, Sight{Shown: 1}},
		{"not read back yet", "air_conditioner_living_room", map[string]any{fan: "HIGH"}, map[string]any{fan: "LOW"}, Sight{Missing: 1}},
		{"mirrored", "air_conditioner_living_room", map[string]any{showsC: 25.0}, map[string]any{cool: 25.0}, Sight{Shown: 1}},
		{"mirrored, not yet", "air_conditioner_living_room", map[string]any{showsC: 24.0}, map[string]any{cool: 25.0}, Sight{Missing: 1}},
		{"both", "air_conditioner_living_room", map[string]any{showsC: 25.0, fan: "HIGH"}, map[string]any{cool: 25.0, fan: "LOW"}, Sight{Shown: 1, Missing: 1}},
		{"nothing mirrors it", "washer_twin", nil, map[string]any{start: "START"}, Sight{Hidden: 1}},
		{"the power switch mirrors no start", "washtower_bottom", nil, map[string]any{start: "START"}, Sight{Hidden: 1}},
		{"the power switch mirrors the power", "washtower_bottom", nil, map[string]any{start: "POWER_ON"}, Sight{Missing: 1}},
		{"a timer that was cleared shows nothing", "air_purifier_fan_tower", map[string]any{"sleepTimer.relativeHourToStop": nil},
			map[string]any{"sleepTimer.relativeHourToStop": 0.0}, Sight{Shown: 1}},
		{"a fan that shows nothing is not off", "hood_island", map[string]any{"ventilation.fanSpeed": nil}, map[string]any{"ventilation.fanSpeed": 0.0}, Sight{Missing: 1}},
		{"nothing wished", "washer_twin", nil, nil, Sight{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sampleNamed(t, tt.sample)
			d := s.describe(willing())[0]
			if got := d.Look(at(t, thinq.State{}, tt.wish), at(t, s.state, tt.now)); got != tt.want {
				t.Errorf("Look = %+v, want %+v", got, tt.want)
			}
		})
	}
}
