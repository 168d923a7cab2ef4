package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// energy is what is saved of an appliance's meters.
type energy struct {
	meters []string
	usage  map[string][]thinq.Usage // by meter; nil: none is saved
	none   string                   // why there is no meter
}

// String says for people which meters there are.
func (e energy) String() string {
	if len(e.meters) == 0 {
		return e.none
	}
	return "counted by " + strings.Join(e.meters, ", ")
}

// savedEnergy reads what a folder says of energy; what it lacks is not known.
func savedEnergy(dir string) (energy, error) {
	path := filepath.Join(dir, "energy_profile.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return energy{none: "not known, there is no energy_profile.json"}, nil
	}
	var e energy
	e.meters, err = thinq.ParseEnergyProfile(data)
	if said, ok := errors.AsType[*thinq.Error](err); ok {
		return energy{none: said.Text()}, nil
	}
	if err != nil {
		return e, fmt.Errorf("%s is not an energy profile: it is no JSON object", path)
	}
	if len(e.meters) == 0 {
		return energy{none: "LG does not offer it for this product"}, nil
	}
	return e, e.read(filepath.Join(dir, "energy_usage_daily.json"))
}

// read reads the days of all meters.
func (e *energy) read(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	e.usage = map[string][]thinq.Usage{}
	for _, meter := range e.meters {
		usage, failed := thinq.ParseEnergyUsage(data, meter, thinq.Daily)
		if err = errors.Join(err, failed); err != nil {
			return fmt.Errorf("%s is no answer about days of energy: %w", path, bare(err))
		}
		e.usage[meter] = usage
	}
	return nil
}

// meter takes over what is saved of energy, as if the bridge had been running
// since the first of the days.
func (r *rehearsal) meter(m *rehearsed) {
	m.state.Merge(discovery.Meters(m.profile, m.energy.meters))
	for _, meter := range m.energy.meters {
		usage := m.energy.usage[meter]
		if len(usage) > 0 {
			m.state.Merge(discovery.Metered(m.profile, m.state, meter, []thinq.Usage{}, usage[0].Start))
		}
		m.state.Merge(discovery.Metered(m.profile, m.state, meter, usage, r.at))
	}
	if len(m.energy.meters) > 0 {
		m.devices = discovery.Describe(m.info, m.profile, m.state, r.options)
	}
}
