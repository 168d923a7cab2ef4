package discovery

import (
	"encoding/json"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// reports are messages as LG sends them, one for each measured sample; the
// second value makes every message a change.
var reports = map[string][2]string{
	"air_conditioner_living_room": {
		`{"pushType":"DEVICE_STATUS","serviceId":"s","userNo":"u","deviceType":"DEVICE_AIR_CONDITIONER","deviceId":"x","report":{"temperatureInUnits":[{"currentTemperature":24.5,"unit":"C"},{"currentTemperature":76,"unit":"F"}],"airQualitySensor":{"PM1":7,"PM10":12,"PM2":9,"humidity":44}}}`,
		`{"pushType":"DEVICE_STATUS","serviceId":"s","userNo":"u","deviceType":"DEVICE_AIR_CONDITIONER","deviceId":"x","report":{"temperatureInUnits":[{"currentTemperature":25,"unit":"C"},{"currentTemperature":77,"unit":"F"}],"airQualitySensor":{"PM1":8,"PM10":13,"PM2":10,"humidity":45}}}`,
	},
	"washer_twin": {
		`{"pushType":"DEVICE_STATUS","serviceId":"s","userNo":"u","deviceType":"DEVICE_WASHER","deviceId":"x","report":[{"location":{"locationName":"MAIN"},"runState":{"currentState":"RINSING"},"timer":{"remainHour":0,"remainMinute":31}}]}`,
		`{"pushType":"DEVICE_STATUS","serviceId":"s","userNo":"u","deviceType":"DEVICE_WASHER","deviceId":"x","report":[{"location":{"locationName":"MAIN"},"runState":{"currentState":"SPINNING"},"timer":{"remainHour":0,"remainMinute":30}}]}`,
	},
}

// BenchmarkPayload writes the state document.
func BenchmarkPayload(b *testing.B) {
	for name := range reports {
		b.Run(name, func(b *testing.B) {
			s := sampleNamed(b, name)
			d := s.describe(testOptions)[0]
			b.ReportAllocs()
			for b.Loop() {
				d.Payload(s.state)
			}
		})
	}
}

// BenchmarkHotPath takes a message of LG to the state document, and beside it
// the least that a bridge without types would do: read the report into a map and
// write the whole document from a map.
func BenchmarkHotPath(b *testing.B) {
	for name, pair := range reports {
		s := sampleNamed(b, name)
		d := s.describe(testOptions)[0]
		b.Run(name+"/bridge", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				hotPath(b, s, d, []byte(pair[i%2]))
			}
		})
		b.Run(name+"/maps", func(b *testing.B) {
			var document map[string]any
			if err := json.Unmarshal(d.Payload(s.state), &document); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				var report map[string]any
				if err := json.Unmarshal([]byte(pair[i%2]), &report); err != nil {
					b.Fatal(err)
				}
				if _, err := json.Marshal(document); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func hotPath(b *testing.B, s sample, d *Device, message []byte) {
	e, err := thinq.ParseEvent(message)
	if err != nil {
		b.Fatal(err)
	}
	report, err := s.profile.Decode(e.Report)
	if err != nil {
		b.Fatal(err)
	}
	if s.state.Merge(report) == nil {
		b.Fatal("nothing changed")
	}
	d.Payload(s.state)
}
