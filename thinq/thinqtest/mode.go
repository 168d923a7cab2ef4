package thinqtest

import "slices"

// modeTargets are the degrees Celsius with which an air conditioner begins a job
// mode.
var modeTargets = map[string]float64{"COOL": 22, "HEAT": 21, "AUTO": 23}

// changesMode says whether a write is about to put an air conditioner into
// another job mode.
func (w write) changesMode() bool {
	return w.resource == "airConJobMode" && w.name == "currentJobMode" && w.section.word(w.resource, w.name) != text(w.value)
}

// enterMode is what a new job mode brings along: its own target, and a fan that
// is no longer where somebody had set it.
func (s *section) enterMode(mode string) {
	if d, has := s.descriptor("airFlow", "windStrength"); has && slices.Contains(choices(d, "r"), any("AUTO")) {
		s.resource("airFlow")["windStrength"] = "AUTO"
	}
	target, tempered := modeTargets[mode]
	for _, resource := range []string{"temperatureInUnits", "temperature"} {
		for _, entry := range views(s.state[resource]) {
			if _, shown := entry["targetTemperature"]; shown && tempered && entry["unit"] == "C" {
				entry["targetTemperature"] = target
			}
		}
	}
}
