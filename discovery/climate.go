package discovery

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// airConditioner is the composite of the climate entity of an air conditioner.
type airConditioner struct{}

// hvac translates LG's job modes into Home Assistant's modes. Every other job
// mode is a preset.
var hvac = map[string]string{"COOL": "cool", "HEAT": "heat", "AUTO": "auto", "FAN": "fan_only", "AIR_DRY": "dry"}

// coolPresets are presets that cool; the others only move the air.
var coolPresets = map[string]bool{"ENERGY_SAVING": true}

const climateKey = "climate"

// An hvacUnit is a heater or cooler while its climate entity is made.
type hvacUnit struct {
	composer
	mode            *value
	current, target *value
	twoSet          *value // whether there are two set-points at the moment
	pairLow         *value
	pairHigh        *value
	settable        []*value // what takes a temperature in some mode
	lastMode        thinq.Path
	modeWords       []string
	presetList      []string

	// pick is what takes the temperature in a state, and what limits it there;
	// nil if nothing does.
	pick func(thinq.State) (v, low, high *value)
	// deciders are the values on which pick depends.
	deciders []*value
}

// newUnit begins the climate entity of an appliance that has a power switch and
// job modes; nil if it has not.
func newUnit(b *builder, power, mode string) *hvacUnit {
	u := &hvacUnit{
		composer: b.compose(climateKey, "Climate", Climate), mode: b.firstOf(mode),
		lastMode: derivedPath(b.device.Part, "", "lastMode"),
	}
	if p := b.firstOf(power); p != nil && u.mode != nil {
		u.poweredBy(p)
	}
	if u.power == nil {
		return nil
	}
	return u
}

func (airConditioner) build(b *builder) {
	u := newUnit(b, "operation.airConOperationMode", "airConJobMode.currentJobMode")
	if u == nil {
		return
	}
	u.twoSet = b.find("twoSetTemperature.twoSetEnabled", "")
	u.pairLow = b.firstOf("twoSetTemperatureInUnits.heatTargetTemperature", "twoSetTemperature.heatTargetTemperature")
	u.pairHigh = b.firstOf("twoSetTemperatureInUnits.coolTargetTemperature", "twoSetTemperature.coolTargetTemperature")
	if u.twoSet == nil || u.pairLow == nil || u.pairHigh == nil {
		u.twoSet, u.pairLow, u.pairHigh = nil, nil, nil
	}
	u.pickByJob("temperatureInUnits", "temperature")
	u.modes()
	u.presets()
	u.temperatures()
	u.pair()
	u.fan()
	u.swing("swing_mode", "windDirection.rotateUpDown")
	u.swing("swing_horizontal_mode", "windDirection.rotateLeftRight")
	if v := u.find("airQualitySensor.humidity", ""); v != nil && v.Readable {
		u.bind("current_humidity", rankValue, Codec{Show: showNumber(v.Path)})
	}
	b.put(u.entity)
}

// job is the job mode of a state, LG's word.
func (u *hvacUnit) job(s thinq.State) string {
	name, _ := s[u.mode.Path].(string)
	return name
}

// twoPoints reports whether a state has two set-points.
func (u *hvacUnit) twoPoints(s thinq.State) bool {
	return u.twoSet != nil && s[u.twoSet.Path] == any(true)
}

// modeOf is Home Assistant's mode of a job mode.
func (u *hvacUnit) modeOf(job string, s thinq.State) string {
	switch mode, ok := hvac[job]; {
	case job == "AUTO" && u.twoPoints(s):
		return "heat_cool"
	case ok:
		return mode
	case coolPresets[job]:
		return "cool"
	}
	return "fan_only"
}

// jobs are the job modes that can be set.
func (u *hvacUnit) jobs() []string {
	var jobs []string
	for _, o := range u.mode.Write.Options {
		if name, ok := o.(string); ok {
			jobs = append(jobs, name)
		}
	}
	return jobs
}

// modeOrder is how Home Assistant lists modes.
var modeOrder = []string{"off", "auto", "heat_cool", "cool", "heat", "dry", "fan_only"}

// modesOf are the modes that job modes make in a state.
func (u *hvacUnit) modesOf(jobs []string, s thinq.State) []string {
	has := map[string]bool{"off": true}
	for _, job := range jobs {
		has[u.modeOf(job, s)] = true
	}
	return slices.DeleteFunc(slices.Clone(modeOrder), func(mode string) bool { return !has[mode] })
}

func (u *hvacUnit) modes() {
	jobs := u.wordsShown(u.mode)
	u.modeWords = u.modesOf(jobs, u.state)
	u.entity.Config["modes"] = u.modeWords
	u.bind("mode", rankMode, Codec{Show: u.showMode, Take: u.takeMode}, u.mode, u.power)
	u.bind("power", rankPower, Codec{Take: takeProperty(u.power.Property)}, u.power).wakes = false
	u.consume(climateKey, u.mode)
	u.watchFor(u.mode.Path, func(v any, now thinq.State) bool {
		job, ok := v.(string)
		return ok && !slices.Contains(u.modeWords, u.modeOf(job, now))
	})
	if u.twoSet != nil {
		u.watchFor(u.twoSet.Path, func(_ any, now thinq.State) bool {
			return !slices.Equal(u.modesOf(jobs, now), u.modeWords)
		})
	}
	u.device.memories = append(u.device.memories, func(now, _, into thinq.State, _ time.Time) {
		if job := u.job(now); hvac[job] != "" {
			into[u.lastMode] = job
		}
	})
}

func (u *hvacUnit) showMode(dst []byte, s thinq.State) []byte {
	switch job := u.job(s); {
	case u.isOff(s):
		return append(dst, `"off"`...)
	case job == "":
		return append(dst, "null"...)
	default:
		return appendString(dst, u.modeOf(job, s))
	}
}

func (u *hvacUnit) takeMode(payload string, now thinq.State) (thinq.State, *Rejection) {
	mode := strings.ToLower(strings.TrimSpace(payload))
	if mode == "off" {
		return thinq.State{u.power.Path: u.device.power.off}, nil
	}
	if mode == "heat_cool" {
		mode = "auto"
	}
	job := u.jobFor(mode)
	if job == "" {
		can := u.settableModes()
		return nil, invalid(strconv.Quote(payload)+" is not one of "+strings.Join(can, ", "), can)
	}
	return u.work(job, now), nil
}

// work is the wish for a job mode, which also turns the appliance on.
func (u *hvacUnit) work(job string, now thinq.State) thinq.State {
	wish := thinq.State{u.mode.Path: job}
	if u.isOff(now) {
		wish[u.power.Path] = u.device.power.on
		if u.job(now) == job {
			delete(wish, u.mode.Path) // it comes back in its last mode
		}
	}
	return wish
}

// settableModes are the modes that LG takes; others can only be shown.
func (u *hvacUnit) settableModes() []string {
	return slices.DeleteFunc(slices.Clone(u.modeWords), func(mode string) bool {
		return mode != "off" && u.jobFor(strings.Replace(mode, "heat_cool", "auto", 1)) == ""
	})
}

// jobFor is the job mode that makes a mode of Home Assistant: the one of that
// name, or, where only a preset makes it, that preset.
func (u *hvacUnit) jobFor(mode string) string {
	jobs := u.jobs()
	for _, job := range jobs {
		if hvac[job] == mode || word(job) == mode {
			return job
		}
	}
	for _, job := range jobs {
		if u.modeOf(job, nil) == mode {
			return job
		}
	}
	return ""
}

// presets are the job modes that Home Assistant has no mode for. It adds "none"
// to the list by itself.
func (u *hvacUnit) presets() {
	for _, job := range u.wordsShown(u.mode) {
		if hvac[job] == "" && !slices.Contains(u.presetList, word(job)) {
			u.presetList = append(u.presetList, word(job))
		}
	}
	u.watchFor(u.mode.Path, func(v any, _ thinq.State) bool {
		job, ok := v.(string)
		return ok && hvac[job] == "" && !slices.Contains(u.presetList, word(job))
	})
	if len(u.presetList) == 0 {
		return
	}
	u.entity.Config["preset_modes"] = u.presetList
	u.bind("preset_mode", rankMode, Codec{Show: u.showPreset, Take: u.takePreset}, u.mode, u.power)
}

func (u *hvacUnit) showPreset(dst []byte, s thinq.State) []byte {
	job := u.job(s)
	if job == "" || hvac[job] != "" || u.isOff(s) {
		return append(dst, `"none"`...)
	}
	return appendString(dst, word(job))
}

func (u *hvacUnit) takePreset(payload string, now thinq.State) (thinq.State, *Rejection) {
	if strings.EqualFold(strings.TrimSpace(payload), "none") {
		return u.leavePreset(now)
	}
	job, rejection := parseWord(u.mode.Write.Options, strings.TrimSpace(payload))
	name, _ := job.(string)
	if rejection != nil || name == "" || hvac[name] != "" {
		can := u.settablePresets()
		return nil, invalid(strconv.Quote(payload)+" is not one of "+strings.Join(can, ", "), can)
	}
	return u.work(name, now), nil
}

// settablePresets are the presets that LG takes, and none.
func (u *hvacUnit) settablePresets() []string {
	can := []string{"none"}
	for _, job := range u.jobs() {
		if hvac[job] == "" {
			can = append(can, word(job))
		}
	}
	return can
}

// leavePreset goes back to the mode before the preset; if nobody remembers it,
// to the one that does most nearly the same.
func (u *hvacUnit) leavePreset(now thinq.State) (thinq.State, *Rejection) {
	job := u.job(now)
	if job == "" || hvac[job] != "" || u.isOff(now) {
		return nil, nil
	}
	last, _ := now[u.lastMode].(string)
	for _, next := range []string{last, map[bool]string{true: "COOL", false: "FAN"}[coolPresets[job]], "COOL", "AUTO", "AIR_DRY"} {
		if next != "" && slices.Contains(u.jobs(), next) {
			return thinq.State{u.mode.Path: next}, nil
		}
	}
	return nil, &Rejection{Reason: "wrong_mode", Message: "there is no mode to go back to"}
}
