package discovery

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHumidity: an appliance rests where the air is as it should be.
func TestHumidity(t *testing.T) {
	const (
		wet, dry    = "humidifier_studio", "dehumidifier_cellar"
		wetPower    = "operation.humidifierOperationMode"
		dryPower    = "operation.dehumidifierOperationMode"
		wetJob      = "humidifierJobMode.currentJobMode"
		dryJob      = "dehumidifierJobMode.currentJobMode"
		wetMeasured = "airQualitySensor.humidity"
		dryMeasured = "humidity.currentHumidity"
	)
	tests := []struct {
		sample string
		now    map[string]any
		want   string
	}{
		{wet, map[string]any{wetMeasured: 40.0, targetHumidity: 45.0}, "humidifying"},
		{wet, map[string]any{wetMeasured: 45.0, targetHumidity: 45.0}, "idle"},
		{wet, map[string]any{wetMeasured: nil}, "humidifying"},
		{wet, map[string]any{wetMeasured: 20.0, wetJob: "AIR_CLEAN"}, "idle"},
		{wet, map[string]any{wetPower: "POWER_OFF"}, "off"},
		{wet, map[string]any{wetPower: nil}, "<nil>"},
		{dry, map[string]any{dryMeasured: 60.0, targetHumidity: 50.0}, "drying"},
		{dry, map[string]any{dryMeasured: 50.0, targetHumidity: 50.0}, "idle"},
		{dry, map[string]any{dryMeasured: 40.0, targetHumidity: 50.0, dryJob: "CLOTHES_DRY"}, "drying"},
		{dry, map[string]any{dryMeasured: 40.0, targetHumidity: 50.0, dryJob: "INTENSIVE_DRY"}, "drying"},
		{dry, map[string]any{dryPower: "POWER_OFF", dryMeasured: 90.0}, "off"},
	}
	for _, test := range tests {
		s := sampleNamed(t, test.sample)
		if got := documented(t, s.describe(testOptions)[0], at(t, s.state, test.now), "humidifier_action"); got != test.want {
			t.Errorf("%s %v: %s, want %s", test.sample, test.now, got, test.want)
		}
	}
}

// TestNoHumidity: Home Assistant drops a target that can be none.
func TestNoHumidity(t *testing.T) {
	s := sampleNamed(t, "humidifier_studio")
	for reported, want := range map[float64]string{-7.5: "<nil>", 0: "0", 45: "45", 101: "<nil>"} {
		now := at(t, s.state, map[string]any{targetHumidity: reported})
		devices := Describe(s.device, s.profile, now, testOptions)
		if got := documented(t, devices[0], now, "humidifier_target_humidity"); got != want {
			t.Errorf("%v is shown as %s, want %s", reported, got, want)
		}
		newHome().accepts(t, devices, now)
	}
}

// TestNoTarget: a model without a target that can be set is a humidifier all the
// same, and says what can be done instead.
func TestNoTarget(t *testing.T) {
	const power, job = "operation.dehumidifierOperationMode", "dehumidifierJobMode.currentJobMode"
	jobs := enum("RAPID_HUMIDITY", "CLOTHES_DRY")
	tests := []struct {
		name     string
		property map[string]string
		want     map[string]any
	}{
		{"modes only", map[string]string{job: jobs}, map[string]any{"modes": []string{"rapid_humidity", "clothes_dry"}, "max_humidity": 100.0}},
		{"a target that can only be read", map[string]string{job: jobs, targetHumidity: onlyRead(ranged(35, 65, 5))},
			map[string]any{"modes": []string{"rapid_humidity", "clothes_dry"}, "min_humidity": 35.0, "max_humidity": 65.0}},
		{"modes that can only be read", map[string]string{job: onlyRead(jobs)}, map[string]any{"modes": nil}},
		{"a single target", map[string]string{targetHumidity: ranged(50, 50, 1)}, map[string]any{"min_humidity": 0.0, "max_humidity": 100.0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.property[power] = enum("POWER_ON", "POWER_OFF")
			s := oneOff(t, "DEHUMIDIFIER", property(test.property), `{"operation":{"dehumidifierOperationMode":"POWER_ON"}}`)
			allAccepted(t, s)
			e := entityOf(s.describe(testOptions)[0], humidifierKey)
			if e == nil {
				t.Fatal("there is none")
			}
			for key, want := range test.want {
				if diff := cmp.Diff(want, e.Config[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
			if test.name != "a single target" {
				tell(t, s, []step{{wish: map[string]string{"humidifier_target_humidity": "55"}, reason: "read_only"}})
			}
		})
	}
}

// TestHumidifierOrders: targets are LG's, and a mode turns on.
func TestHumidifierOrders(t *testing.T) {
	const power = "operation.humidifierOperationMode"
	tell(t, sampleNamed(t, "humidifier_studio"), []step{
		{wish: map[string]string{"humidifier_target_humidity": "52"}, calls: []string{`{"humidity":{"targetHumidity":50}}`},
			shows: map[string]string{"target_humidity": "50", "humidifier_target_humidity": "50"}},
		{wish: map[string]string{"humidifier_target_humidity": "80"}, reason: "out_of_range"},
		{report: map[string]any{power: "POWER_OFF", "humidifierJobMode.currentJobMode": "HUMIDIFY"}, wish: map[string]string{"humidifier_mode": "humidify"}, calls: []string{
			`{"operation":{"humidifierOperationMode":"POWER_ON"}}`, `{"humidifierJobMode":{"currentJobMode":"HUMIDIFY"}}`}},
		{report: map[string]any{power: "POWER_OFF"}, wish: map[string]string{"humidifier_target_humidity": "60"}, calls: []string{
			`{"operation":{"humidifierOperationMode":"POWER_ON"}}`, `{"humidity":{"targetHumidity":60}}`}},
	})
}
