package discovery

import (
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// nameAll gives every value its key. Keys of the profile come first, so that a
// value which turns up later never moves one of them.
func (b *builder) nameAll() {
	for _, v := range b.values {
		b.places[locationKey(v.Path.Location)] = true
	}
	for _, isAlien := range []bool{false, true} {
		for _, v := range b.values {
			if v.alien == isAlien {
				v.key = b.claimPath(v.Path, or(v.Path.Name, v.Path.Resource)) // an error, or a value in the place of a resource
			}
		}
	}
}

// claimPath finds a free key for a value: its name, with the resource in front
// if that is taken.
func (b *builder) claimPath(p thinq.Path, name string) string {
	place, short := locationKey(p.Location), snake(name)
	long := snake(p.Resource) + "_" + short
	if prefixed[p.Resource] {
		short = long
	}
	for _, key := range []string{place + short, place + long} {
		if !b.isReserved(key) && b.claim(key) {
			return key
		}
	}
	return b.claimNumbered(place + long)
}

// isReserved reports whether a key is one of a composite, at any place of the
// appliance.
func (b *builder) isReserved(key string) bool {
	if isReserved(key) {
		return true
	}
	for place := range b.places {
		if short, ok := strings.CutPrefix(key, place); ok && isReserved(short) {
			return true
		}
	}
	return false
}

// claimBeside gives a free key to what goes with the entity of a key.
func (b *builder) claimBeside(key, suffix string) string {
	if b.claim(key + suffix) {
		return key + suffix
	}
	return b.claimNumbered(key + suffix)
}

// claimNumbered is the last resort of names that differ in case only.
func (b *builder) claimNumbered(stem string) string {
	for n := 2; ; n++ {
		key := stem + "_" + string(appendNumber(nil, float64(n)))
		if b.claim(key) {
			return key
		}
	}
}

func (b *builder) claim(key string) bool {
	if b.taken[key] {
		return false
	}
	b.taken[key] = true
	return true
}

// isReserved reports whether a key is one of a composite, or of an entity that
// every appliance may have. A property of such a name carries its resource in its
// key, whether the appliance has the composite or not, so that no key ever moves.
func isReserved(key string) bool {
	return reserved[key] || strings.HasPrefix(key, reportedPrefix) || isLatch(key) || isMeter(key)
}

// reserved are those that no table lists.
var reserved = map[string]bool{
	climateKey: true, fanKey: true, humidifierKey: true, vacuumKey: true, waterHeaterKey: true, lampKey: true, moodLampKey: true, cellarLampKey: true,
	chargingKey: true, batteryLevelKey: true,
	"running": true, "remaining_minutes": true, "finish_time": true, "progress": true, "cycle": true,
	"phase": true, "cycles": true, "last_finished": true, "light_on": true, "ready_date": true, "preheated": true, "sterilizing": true,
	"start": true, "stop": true, "wake_up": true, "power_on": true, "power_off": true, "power": true,
	"problem": true, connectionKey: true, "error": true, "error_code": true, "error_severity": true, "notification": true,
	"energy": true, "transaction": true, lastUpdateKey: true, refreshKey: true, "any_zone_on": true, "storage_mode": true,
	awayKey: true, "air_clean": true, "water_temperature_difference": true,
}
