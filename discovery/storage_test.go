package discovery

import (
	"fmt"
	"testing"
)

// TestStorage: a compartment may show a word or a number, whatever its profile
// says, and go over from one to the other.
func TestStorage(t *testing.T) {
	const (
		listed = `{"type":"enum","mode":["r"],"value":{"r":["KIMCHI","TEMPERATURE_NUMBER","OFF"]}}`
		words  = `{"type":"enum","mode":["r"],"value":{"r":["KIMCHI","OFF"]}}`
		number = `{"type":"number","mode":["r"]}`
	)
	tests := []struct {
		name, descriptor string
		values           []string
		mode             any // storage_mode; nil too where there is none
		target           any
		class            string
	}{
		{"a listed number", listed, []string{`-2`}, "temperature_number", -2.0, "temperature"},
		{"a listed word", listed, []string{`"KIMCHI"`}, "kimchi", nil, "temperature"},
		{"from number to word", listed, []string{`-2`, `"OFF"`}, "off", nil, "temperature"},
		{"a word never seen", listed, []string{`"COKE"`}, "coke", nil, "temperature"},
		{"neither", listed, []string{`true`}, nil, nil, "temperature"},
		{"words only", words, []string{`"KIMCHI"`}, nil, "kimchi", "enum"},
		{"a number among words", words, []string{`"KIMCHI"`, `3`}, "temperature_number", 3.0, "temperature"},
		{"and a word again", words, []string{`3`, `"KIMCHI"`}, "kimchi", nil, "temperature"},
		{"numbers only", number, []string{`-1`}, nil, -1.0, "temperature"},
		{"a word in the place of a number", number, []string{`-1`, `"MEAT_FISH"`}, "meat_fish", nil, "temperature"},
		{"and a number again", number, []string{`"MEAT_FISH"`, `4`}, "temperature_number", 4.0, "temperature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := meet(t, "KIMCHI_REFRIGERATOR", fmt.Sprintf(`{"property":{"temperature":[{"locationName":"TOP","targetTemperature":%s}]}}`, tt.descriptor), `{}`)
			for _, v := range tt.values {
				s.reports(fmt.Sprintf(`{"temperature":[{"locationName":"TOP","targetTemperature":%s}]}`, v))
			}
			if got := s.shows("top_target_temperature"); got != tt.target {
				t.Errorf("target %v, want %v", got, tt.target)
			}
			if got := announced(t, s.devices[0])["top_target_temperature"]["device_class"]; got != tt.class {
				t.Errorf("class %v, want %v", got, tt.class)
			}
			if tt.mode == nil && s.devices[0].attrs["top_storage_mode"] == nil {
				return
			}
			if got := s.shows("top_storage_mode"); got != tt.mode {
				t.Errorf("mode %v, want %v", got, tt.mode)
			}
			newHome().accepts(t, s.devices, s.state)
		})
	}
}
