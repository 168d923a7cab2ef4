package discovery

import (
	"slices"
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
	mode       *value
	reading    *value // what says whether it is on
	off        string // by that word it is off
	target     *value
	twoSet     *value // whether there are two set-points at the moment
	pairLow    *value
	pairHigh   *value
	settable   []setpoint // what takes a temperature in some mode
	unit       string     // of all its temperatures, C or F
	lastMode   thinq.Path // remembered: the last job mode that is no preset
	seenMode   thinq.Path // remembered: the job mode that was reported last
	modeWords  []string
	presetList []string

	measured func(thinq.State) (float64, bool) // the present temperature; nil: there is none
	readings []*value                          // on which it depends
	// pick is what takes the temperature in a state; the zero setpoint if
	// nothing does.
	pick func(thinq.State) setpoint
	// deciders are the values on which pick and its limits depend.
	deciders []*value
}

// newUnit begins the climate entity of an appliance whose job mode can be seen
// and of which something can be set; nil if it is none.
func newUnit(b *builder, power, mode string) *hvacUnit {
	u := &hvacUnit{
		composer: b.compose(climateKey, "Climate", Climate), mode: b.find(mode, ""),
		lastMode: derivedPath(b.device.Part, "", "lastMode"), seenMode: derivedPath(b.device.Part, "", "seenMode"),
	}
	if v := b.find(power, ""); v != nil {
		u.readPower(v)
	}
	if u.mode == nil || !u.mode.Readable || isBool(u.mode.Property) || u.power == nil && !u.mode.Writable {
		return nil
	}
	return u
}

// readPower finds out how the power is seen and switched, as far as it is.
func (u *hvacUnit) readPower(v *value) {
	if _, off, ok := pairIn(readOptions(v.Property)); ok && v.Readable {
		u.reading, u.off = v, off
	}
	if v.Writable {
		u.poweredBy(v)
	}
}

// isOff reports whether the appliance is off.
func (u *hvacUnit) isOff(s thinq.State) bool {
	if u.reading == nil {
		return false
	}
	name, _ := s[u.reading.Path].(string)
	return strings.EqualFold(name, u.off)
}

func (airConditioner) build(b *builder) {
	u := newUnit(b, "operation.airConOperationMode", "airConJobMode.currentJobMode")
	if u == nil {
		return
	}
	u.findPair()
	u.pickByJob()
	u.modes()
	u.presets()
	u.temperatures()
	u.pair()
	u.fan()
	u.swing("swing_mode", "windDirection.rotateUpDown")
	u.swing("swing_horizontal_mode", "windDirection.rotateLeftRight")
	if v := u.find("airQualitySensor.humidity", ""); v != nil && v.Readable {
		u.bind("current_humidity", rankValue, Codec{Show: showNumber(v.Path)}, v)
	}
	u.action()
	b.put(u.entity)
}

// job is the job mode of a state, LG's word.
func (u *hvacUnit) job(s thinq.State) string {
	name, _ := s[u.mode.Path].(string)
	return name
}

// hvacMode is Home Assistant's mode of that name; empty for a preset.
func hvacMode(job string) string { return hvac[strings.ToUpper(job)] }

func isCoolPreset(job string) bool { return coolPresets[strings.ToUpper(job)] }

// modeOf is Home Assistant's mode of a job mode.
func (u *hvacUnit) modeOf(job string, s thinq.State) string {
	switch mode := hvacMode(job); {
	case mode == "auto" && u.twoPoints(s):
		return "heat_cool"
	case mode != "":
		return mode
	case isCoolPreset(job):
		return "cool"
	}
	return "fan_only"
}

// jobs are the job modes that can be set: where LG lists none for writing, those
// that it shows.
func (u *hvacUnit) jobs() []string {
	var jobs []string
	for _, o := range u.mode.Write.Options {
		if name, ok := o.(string); ok {
			jobs = append(jobs, name)
		}
	}
	if u.mode.Writable && len(u.mode.Write.Options) == 0 {
		return u.wordsShown(u.mode)
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
	u.bind("mode", rankMode, Codec{Show: u.showMode, Take: u.takeMode(u.jobs())}, u.mode, u.power)
	if u.power != nil {
		u.bind("power", rankPower, Codec{Take: takeProperty(u.power.Property)}, u.power).wakes = false
	}
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
	u.device.memories = append(u.device.memories, u.remember)
}

// remember keeps the mode to which a preset goes back, and the one to which the
// limits belong that the appliance reports.
func (u *hvacUnit) remember(now, _, into thinq.State, _ time.Time) {
	job := u.job(now)
	if job == "" {
		return
	}
	into[u.seenMode] = job
	if hvacMode(job) != "" {
		into[u.lastMode] = job
	}
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

// takeMode reads a mode, given the job modes that can be set.
func (u *hvacUnit) takeMode(jobs []string) func(string, thinq.State) (thinq.State, *Rejection) {
	return func(payload string, now thinq.State) (thinq.State, *Rejection) {
		mode := strings.ToLower(strings.TrimSpace(payload))
		if mode == "off" {
			return u.turnOff()
		}
		job := u.jobFor(mode, jobs)
		if present := u.job(now); job == "" && present != "" && u.modeOf(present, now) == mode {
			job = present // which it need not be set to, whether or not it could be
		}
		if job == "" {
			can := u.settableModes(jobs)
			return nil, invalid(cited(payload)+" is not one of "+strings.Join(can, ", "), can)
		}
		return u.work(job, now), nil
	}
}

func (u *hvacUnit) turnOff() (thinq.State, *Rejection) {
	if u.power == nil {
		return nil, &Rejection{Reason: "read_only", Message: "LG lets nobody switch this appliance off from afar"}
	}
	return thinq.State{u.power.Path: u.device.power.off}, nil
}

// work is the wish for a job mode, which also turns the appliance on.
func (u *hvacUnit) work(job string, now thinq.State) thinq.State {
	wish := thinq.State{u.mode.Path: job}
	if u.power != nil && u.isOff(now) {
		wish[u.power.Path] = u.device.power.on
		if u.job(now) == job {
			delete(wish, u.mode.Path) // it comes back in its last mode
		}
	}
	return wish
}

// settableModes are the modes that LG takes; others can only be shown.
func (u *hvacUnit) settableModes(jobs []string) []string {
	return slices.DeleteFunc(slices.Clone(u.modeWords), func(mode string) bool {
		return mode == "off" && u.power == nil || mode != "off" && u.jobFor(mode, jobs) == ""
	})
}

// jobFor is the job mode that makes a mode of Home Assistant: the one of that
// name, or, where only a preset makes it, that preset.
func (u *hvacUnit) jobFor(mode string, jobs []string) string {
	if mode == "heat_cool" {
		mode = "auto"
	}
	for _, job := range jobs {
		if hvacMode(job) == mode || word(job) == mode {
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
