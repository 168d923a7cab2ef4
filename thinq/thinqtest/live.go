package thinqtest

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// live is a minute in the appliances' lives, and then the next.
func (s *Server) live() {
	s.mu.Lock()
	now := time.Now()
	for _, a := range s.devices {
		a.spend(s.clock.Now())
		s.act(a, 0, func() (pushes []string) {
			before := a.snapshot()
			for _, part := range a.sections {
				pushes = append(pushes, part.minute(now)...)
				if s.o.Lively {
					part.wander(s.random)
				}
			}
			a.mirror(before)
			return pushes
		})
	}
	s.mu.Unlock()
	s.schedule.after(s.o.minute(), s.live)
}

// A drift is how a sensor wanders.
type drift struct{ step, least, most float64 }

// drifts are the sensors that wander, by property.
var drifts = map[string]drift{
	"currentTemperature":         {0.5, 16, 31},
	"airCurrentTemperature":      {0.5, 16, 31},
	"outWaterCurrentTemperature": {1, 20, 55},
	"inWaterCurrentTemperature":  {1, 18, 50},
	"temperature":                {0.5, 16, 31},
	"humidity":                   {1, 25, 75},
	"currentHumidity":            {1, 30, 85},
	"PM1":                        {2, 1, 60},
	"PM2":                        {3, 2, 90},
	"PM10":                       {4, 3, 120},
	"CO2":                        {20, 400, 1800},
	"odor":                       {1, 0, 4},
	"totalPollution":             {1, 1, 4},
}

// each sensor moves about every fourth minute; a door opens twice an hour or so
// and stands open for a minute.
const (
	sensorMoves = 0.25
	doorOpens   = 0.03
)

// wander lets sensors and doors change by themselves.
func (s *section) wander(random *rand.Rand) {
	for _, resource := range sortedKeys(s.state) {
		for _, entry := range views(s.state[resource]) {
			if entry["unit"] == "F" && len(views(s.state[resource])) > 1 {
				continue // follows the other unit
			}
			for _, name := range sortedKeys(entry) {
				wanderOne(entry, name, random)
			}
		}
	}
}

func wanderOne(entry map[string]any, name string, random *rand.Rand) {
	if door, ok := entry[name].(string); ok && name == "doorState" {
		if door == "OPEN" {
			entry[name] = "CLOSE"
		} else if random.Float64() < doorOpens {
			entry[name] = "OPEN"
		}
		return
	}
	d, wanders := drifts[name]
	v, isNumber := entry[name].(float64)
	if !wanders || !isNumber || random.Float64() >= sensorMoves {
		return
	}
	if entry["unit"] == "F" {
		d = drift{1, 60, 88}
	}
	to := v + d.step*math.Round(2*random.Float64()-1)
	if to >= min(d.least, v) && to <= max(d.most, v) {
		entry[name] = to
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
