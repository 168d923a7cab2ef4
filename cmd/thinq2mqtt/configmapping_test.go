package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

func TestMappingComplaints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       []string
	}{
		{"all of it", `
mappings:
  washer:
    current_state: {name: Programme, icon: mdi:washing-machine, class: enum, unit: "", enabled: true, hide: false, options: {end: Finished}}
  oven_1a2b3c4d:
    temperature.targetTemperature: {hide: true}
  DEVICE_OVEN:
    remaining_minutes: {class: duration, unit: min}
    error_code: {class: ""}
    power_factor: {class: power_factor, unit: ""}
`, nil},
		{"key nobody knows", "mappings:\n  washer:\n    current_state:\n      lable: x\n", []string{
			"config.yaml:5: mappings.washer.current_state.lable: is not a setting: mappings.washer.current_state takes name, icon, class, unit, enabled, hide, options",
		}},
		{"wrong types", "mappings:\n  washer:\n    a: {hide: maybe}\n    b: {name: 7}\n    c: {options: [x]}\n    d: {options: {x: 1}}\n    e: yes\n", []string{
			`config.yaml:4: mappings.washer.a.hide: must be true or false, not "maybe"`,
			"config.yaml:5: mappings.washer.b.name: must be text, not 7: put it into quotes",
			"config.yaml:6: mappings.washer.c.options: must be a section with keys of its own: names of your choice",
			"config.yaml:7: mappings.washer.d.options.x: must be text, not 1: put it into quotes",
			"config.yaml:8: mappings.washer.e: must be a section with keys of its own: name, icon, class, unit, enabled, hide, options",
		}},
		{"icon", "mappings: {washer: {a: {icon: washing-machine}}}\n", []string{
			`config.yaml:2: mappings.washer.a.icon: "washing-machine" is not an icon: write it as in mdi:washing-machine`,
		}},
		{"unit of another class", "mappings:\n  washer:\n    a:\n      class: duration\n      unit: kWh\n", []string{
			`config.yaml:5: mappings.washer.a.class: the class duration goes with the unit d, h, min, s, ms, μs, not "kWh"`,
		}},
		{"unit that a class may lack", "mappings: {washer: {a: {class: power_factor, unit: W}}}\n", []string{
			`config.yaml:2: mappings.washer.a.class: the class power_factor goes with the unit % or none, not "W"`,
		}},
		{"unit of words", "mappings: {washer: {a: {class: enum, unit: W}}}\n", []string{
			"config.yaml:2: mappings.washer.a.class: the class enum has no unit",
		}},
		{"words with two meanings", "mappings:\n  washer:\n    a:\n      options:\n        end: Done\n        complete: Done\n        off: None\n        OFF: \"\"\n        on: unknown\n", []string{
			`config.yaml:9: mappings.washer.a.options.OFF: "" cannot be a label: Home Assistant has a meaning for it`,
			`config.yaml:6: mappings.washer.a.options.end: "Done" is the label of complete already: choose another`,
			`config.yaml:8: mappings.washer.a.options.off: "None" cannot be a label: Home Assistant has a meaning for it`,
			`config.yaml:10: mappings.washer.a.options.on: "unknown" cannot be a label: Home Assistant has a meaning for it`,
		}},
		{"the same word", "mappings: {washer: {a: {options: {END: Done, end: Done}}}}\n", []string{
			"config.yaml:2: mappings.washer.a.options.end: is the same word as END: remove one",
		}},
		{"texts that cannot be shown", "mappings: {washer: {a: {name: ' x'}, b: {name: \"x\\ty\"}}}\n", []string{
			`config.yaml:2: mappings.washer.a.name: " x" has blanks around it: remove them`,
			`config.yaml:2: mappings.washer.b.name: "x\ty" holds characters that cannot be shown`,
		}},
		{"the last entity", "mappings: {washer: {connection: {hide: true}}}\n", []string{
			"config.yaml:2: mappings.washer.connection.hide: no appliance can be without this entity: disable it in Home Assistant instead",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, complaints(t, configFile(t, sound+tt.file))); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
		})
	}
}

// A class that Home Assistant does not have is refused with those that it has.
func TestMappingClass(t *testing.T) {
	t.Parallel()
	got := complaints(t, configFile(t, sound+"mappings: {washer: {a: {class: laundry}}}\n"))
	const want = `config.yaml:2: mappings.washer.a.class: Home Assistant has no device class "laundry": use absolute_humidity, apparent_power, aqi, `
	if len(got) != 1 || len(got[0]) < len(want) || got[0][:len(want)] != want {
		t.Errorf("complaints %q", got)
	}
}

func TestLanguageComplaint(t *testing.T) {
	t.Parallel()
	got := complaints(t, configFile(t, sound+"homeassistant: {language: fr}\n"))
	want := []string{`config.yaml:2: homeassistant.language: "fr" is not possible: use en, ko, de`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
}

// What stands in the file reaches package discovery, words of any form too.
func TestMappingsForDiscovery(t *testing.T) {
	t.Parallel()
	cfg, err := configFile(t, sound+`
homeassistant: {option_labels: true, language: ko}
mappings: {"7": {a.b: {unit: "", enabled: false, options: {3: Three, "100%": All, off: Aus}}}}
`, "THINQ2MQTT_MAPPINGS__WASHER__CURRENT_STATE__HIDE=true").load()
	if err != nil {
		t.Fatal(err)
	}
	want := discovery.Mappings{
		"7":      {"a.b": {Unit: new(""), Enabled: new(false), Options: map[string]string{"3": "Three", "100%": "All", "off": "Aus"}}},
		"washer": {"current_state": {Hide: new(true)}},
	}
	o := cfg.discovery("")
	if diff := cmp.Diff(want, o.Mappings); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	if o.Language != "ko" || !o.Labels {
		t.Errorf("language %s, labels %v", o.Language, o.Labels)
	}
}
