package discovery

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// look is a component less what says nothing about how it looks.
func (c component) look() map[string]any {
	look := map[string]any{}
	for _, key := range []string{"name", "icon", "device_class", "unit_of_measurement", "state_class", "enabled_by_default", "options"} {
		if v, ok := c[key]; ok {
			look[key] = v
		}
	}
	return look
}

func TestMapping(t *testing.T) {
	tests := []struct {
		name, sample, by, attr string
		mapping                Mapping
		key                    string
		want                   map[string]any // nil: no component
	}{
		{"a name for the appliance itself", "dryer_heat_pump", "dryer", "current_state",
			Mapping{Name: "Programme", Icon: "mdi:tumble-dryer", Options: map[string]string{"END": "Finished"}}, "current_state",
			map[string]any{"name": "Programme", "icon": "mdi:tumble-dryer", "device_class": "enum"}},
		{"by LG's word and property", "dryer_heat_pump", "DEVICE_DRYER", "runState.currentState", Mapping{Name: "Programme"}, "current_state",
			map[string]any{"name": "Programme", "icon": "mdi:washing-machine", "device_class": "enum"}},
		{"a sensor that need not be seen", "dryer_heat_pump", "Dryer", "current_state", Mapping{Hide: new(true)}, "current_state", nil},
		{"a sensor that need not be enabled", "air_purifier_desk", "air_purifier", "airQualitySensor.PM2", Mapping{Enabled: new(false)}, "pm2",
			map[string]any{"name": "PM2.5", "device_class": "pm25", "unit_of_measurement": microgram, "state_class": "measurement", "enabled_by_default": false}},
		{"a sensor that is to be enabled", "air_purifier_levels", "air_purifier", "odor", Mapping{Enabled: new(true)}, "odor",
			map[string]any{"name": "Odor", "icon": "mdi:scent", "state_class": "measurement"}},
		{"another class with its unit", "air_purifier_levels", "air_purifier", "odor", Mapping{Class: new("volatile_organic_compounds_parts"), Unit: new("ppb")}, "odor",
			map[string]any{"name": "Odor", "icon": "mdi:scent", "state_class": "measurement", "device_class": "volatile_organic_compounds_parts", "unit_of_measurement": "ppb", "enabled_by_default": false}},
		{"no class and no unit", "air_purifier_desk", "air_purifier", "pm2", Mapping{Class: new(""), Unit: new("")}, "pm2",
			map[string]any{"name": "PM2.5", "state_class": "measurement"}},
		{"a class that grows", "air_purifier_levels", "air_purifier", "odor", Mapping{Class: new("energy"), Unit: new("kWh")}, "odor",
			map[string]any{"name": "Odor", "icon": "mdi:scent", "device_class": "energy", "unit_of_measurement": "kWh", "enabled_by_default": false}},
		{"words as text", "dryer_heat_pump", "dryer", "current_state", Mapping{Class: new("")}, "current_state",
			map[string]any{"name": nil, "icon": "mdi:washing-machine"}},
		{"a class of yes and no", "dryer_heat_pump", "dryer", "remote_control_enabled", Mapping{Class: new("lock")}, "remote_control_enabled",
			map[string]any{"name": "Remote start", "icon": "mdi:remote", "device_class": "lock"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sampleNamed(t, test.sample)
			o := testOptions
			o.Mappings = Mappings{test.by: {test.attr: test.mapping}}
			d, plain := s.describe(o)[0], s.describe(testOptions)[0]
			c, ok := newHome().read(t, d)[test.key]
			if ok != (test.want != nil) {
				t.Fatalf("component %v", c)
			}
			look := c.look()
			delete(look, "options")
			if diff := cmp.Diff(test.want, look, cmp.FilterValues(func(a, b map[string]any) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())); diff != "" {
				t.Errorf("component (-want +got):\n%s", diff)
			}
			if string(d.Payload(s.state)) != string(plain.Payload(s.state)) {
				t.Error("the document is another one")
			}
			if problems := o.Mappings.Problems([]*Device{d}, true); problems != nil {
				t.Errorf("problems %q", problems)
			}
		})
	}
}

// TestMappedOptions: labels of the user count with labels on and off, and never
// make two words one.
func TestMappedOptions(t *testing.T) {
	s := sampleNamed(t, "dehumidifier_cellar")
	mapping := Mapping{Options: map[string]string{"SMART_HUMIDITY": "Clever", "rapid_humidity": "intensive_dry"}}
	tests := []struct {
		labels bool
		want   map[string]string
	}{
		{false, map[string]string{"smart_humidity": "Clever", "rapid_humidity": "intensive_dry", "intensive_dry": "intensive_dry (intensive_dry)", "clothes_dry": "clothes_dry"}},
		{true, map[string]string{"smart_humidity": "Clever", "rapid_humidity": "intensive_dry", "intensive_dry": "Intensive dry", "clothes_dry": "Clothes dry"}},
	}
	for _, test := range tests {
		o := testOptions
		o.Labels = test.labels
		o.Mappings = Mappings{"dehumidifier": {"current_job_mode": mapping}}
		d := s.describe(o)[0]
		e := entityNamed(t, d, "current_job_mode")
		got := map[string]string{}
		for _, l := range e.labels {
			if _, ok := test.want[l.Word]; ok {
				got[l.Word] = l.Text
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("labels %v (-want +got):\n%s", test.labels, diff)
		}
		exact(t, newHome().read(t, d)["current_job_mode"], e.Config["options"].([]string))
	}
}

// TestMappingOrder: what is nearer to the appliance counts, field by field.
func TestMappingOrder(t *testing.T) {
	s := sampleNamed(t, "washtower_one_piece")
	o := testOptions
	slug := Slug(s.device.Type, s.device.ID)
	o.Mappings = Mappings{
		"washtower":      {"current_state": {Name: "Type", Icon: "mdi:tower-fire", Options: map[string]string{"end": "A", "error": "B"}}},
		slug:             {"current_state": {Name: "Tower", Options: map[string]string{"end": "C"}}},
		slug + "_washer": {"current_state": {Name: "Lower half"}},
	}
	want := []Mapping{
		{Name: "Lower half", Icon: "mdi:tower-fire", Options: map[string]string{"end": "C", "error": "B"}},
		{Name: "Tower", Icon: "mdi:tower-fire", Options: map[string]string{"end": "C", "error": "B"}},
	}
	for i, d := range s.describe(o) {
		if diff := cmp.Diff(want[i], o.Mappings.of(d, slug)["current_state"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.Slug, diff)
		}
		if e := entityNamed(t, d, "current_state"); e.Name != want[i].Name {
			t.Errorf("%s is called %q", d.Slug, e.Name)
		}
	}
}

// TestHidden: a hidden property keeps its attribute, and the table says why it
// has no entity.
func TestHidden(t *testing.T) {
	s := sampleNamed(t, "oven_double")
	o := testOptions
	o.Mappings = Mappings{"oven": {"cook.cookMode": {Hide: new(true)}, "upper_timer": {Hide: new(true)}, "connection": {Hide: new(true)}}}
	d := s.describe(o)[0]
	hidden := 0
	for _, c := range d.Coverage() {
		if c.Why == hiddenByUser {
			hidden++
			if c.Entity != "" || d.attrs[c.Attr] == nil {
				t.Errorf("%+v", c)
			}
		}
	}
	if hidden < 3 {
		t.Errorf("only %d properties are hidden", hidden)
	}
	components := newHome().read(t, d)
	if components["connection"] == nil || components["upper_timer"] != nil || components["upper_cook_mode"] != nil {
		t.Errorf("components %v", components)
	}
}

// TestMappingProblems: what cannot be is left as it is, and told.
func TestMappingProblems(t *testing.T) {
	s := sampleNamed(t, "air_conditioner_living_room")
	slug := Slug(s.device.Type, s.device.ID)
	tests := []struct {
		name     string
		mappings Mappings
		want     []string
	}{
		{"no such appliance", Mappings{"washer": {"current_state": {Name: "x"}}},
			[]string{"mappings.washer: there is no such appliance: give a type, a slug or a device id"}},
		{"no such attribute", Mappings{"air_conditioner": {"current_state_of_mind": {Name: "x"}}},
			[]string{"mappings.air_conditioner.current_state_of_mind: " + slug + " has no such attribute or property"}},
		{"part of a composite", Mappings{slug: {"airConJobMode.currentJobMode": {Name: "x"}}},
			[]string{"mappings." + slug + ".airConJobMode.currentJobMode: " + slug + " has no entity of its own for it: another one shows it"}},
		{"unit of another class", Mappings{slug: {"pm2": {Unit: new("kWh")}}},
			[]string{"mappings: " + slug + ` pm2: the class pm25 goes with the unit μg/m³, not "kWh"`}},
		{"class that does not go with the unit", Mappings{slug: {"pm2": {Class: new("battery")}}},
			[]string{"mappings: " + slug + ` pm2: the class battery goes with the unit %, not "μg/m³"`}},
		{"class of another platform", Mappings{slug: {"power_save_enabled": {Class: new("door")}}},
			[]string{"mappings: " + slug + " power_save_enabled: a switch cannot have the class door, only outlet, switch"}},
		{"class of a composite", Mappings{slug: {"climate": {Class: new("door")}}},
			[]string{"mappings: " + slug + " climate: a climate has no class"}},
		{"unit of a switch", Mappings{slug: {"power_save_enabled": {Unit: new("W")}}},
			[]string{"mappings: " + slug + " power_save_enabled: a switch has no unit"}},
		{"words of a number", Mappings{slug: {"pm2": {Class: new("enum"), Unit: new("")}}},
			[]string{"mappings: " + slug + " pm2: the class enum needs a list of words, which it does not have"}},
	}
	want := string(s.describe(testOptions)[0].Announcement())
	for _, test := range tests {
		o := testOptions
		o.Mappings = test.mappings
		d := s.describe(o)[0]
		if diff := cmp.Diff(test.want, test.mappings.Problems([]*Device{d}, true)); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", test.name, diff)
		}
		if got := string(d.Announcement()); got != want {
			t.Errorf("%s: the announcement is another one:\n%s", test.name, cmp.Diff(want, got))
		}
	}
	if got := tests[0].mappings.Problems(s.describe(testOptions), false); got != nil {
		t.Errorf("appliances that are not here are told: %q", got)
	}
}

// TestMappingOfWords: a sensor of words takes no unit.
func TestMappingOfWords(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	for _, mapping := range []Mapping{{Unit: new("min")}, {Class: new("duration"), Unit: new("min")}, {Class: new(""), Unit: new("min")}} {
		o := testOptions
		o.Mappings = Mappings{"dryer": {"current_state": mapping}}
		d := s.describe(o)[0]
		if problems := o.Mappings.Problems([]*Device{d}, true); len(problems) != 1 || !strings.Contains(problems[0], "current_state") {
			t.Errorf("problems %q", problems)
		}
		if c := newHome().read(t, d)["current_state"]; c["device_class"] != "enum" || c["unit_of_measurement"] != nil {
			t.Errorf("component %v", c)
		}
	}
}

// TestMappingsInModel: appliances share a description only if they look the same.
func TestMappingsInModel(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	m := NewModel(s.profile)
	plain := m.Describe(s.device, s.state, testOptions)[0]
	o := testOptions
	o.Mappings = Mappings{plain.Slug: {"current_state": {Options: map[string]string{"end": "Finished"}}}}
	mapped := m.Describe(s.device, s.state, o)[0]
	neighbour := thinq.Device{ID: "b", Type: s.device.Type}
	if mapped.description == plain.description || m.Describe(neighbour, s.state, o)[0].description != plain.description {
		t.Error("descriptions are not shared by what they show")
	}
}
