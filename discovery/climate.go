package discovery

import (
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// airConditioner is the composite of the climate entity of an air conditioner.
type airConditioner struct{}

// hvac translates LG's job modes into Home Assistant's modes. Every other job
// mode is a preset.
var hvac = map[string]string{"COOL": "cool", "HEAT": "heat", "AUTO": "auto", "FAN": "fan_only", "AIR_DRY": "dry"}

// coolPresets are presets that cool; the others only move the air.
var coolPresets = map[string]bool{"ENERGY_SAVING": true}

// targets are the properties that take the temperature in a job mode, best
// first. In the modes that are not here only the general one does.
var targets = map[string][]string{
	"COOL":          {"coolTargetTemperature", "targetTemperature"},
	"HEAT":          {"heatTargetTemperature", "targetTemperature"},
	"AUTO":          {"autoTargetTemperature", "targetTemperature"},
	"ENERGY_SAVING": {"coolTargetTemperature", "targetTemperature"},
}

const climateKey = "climate"

// An hvacUnit is the air conditioner while its climate entity is made.
type hvacUnit struct {
	*builder
	power, mode           *value
	temps                 string // resource of the temperatures
	current, target       *value
	twoSet                *value // whether there are two set-points at the moment
	pairLow, pairHigh     *value
	minLimit, maxLimit    *value            // what the appliance takes at the moment
	byJob                 map[string]*value // what takes the temperature in a job mode, see targets
	lastMode              thinq.Path
	entity                Entity
	modeWords, presetList []string
}

func (airConditioner) build(b *builder) {
	u := &hvacUnit{
		builder: b,
		power:   b.find("operation.airConOperationMode", ""), mode: b.find("airConJobMode.currentJobMode", ""),
		temps: "temperatureInUnits", lastMode: derivedPath(b.device.Part, "", "lastMode"),
	}
	if u.power == nil || u.mode == nil || !u.power.Writable || !u.mode.Writable {
		return
	}
	if len(b.locations(u.temps+".currentTemperature")) == 0 {
		u.temps = "temperature"
	}
	u.current, u.target = u.temperature("currentTemperature"), u.temperature("targetTemperature")
	u.minLimit, u.maxLimit = u.temperature("minTargetTemperature"), u.temperature("maxTargetTemperature")
	u.byJob = map[string]*value{"": u.firstWritable([]string{"targetTemperature"})}
	for job, names := range targets {
		u.byJob[job] = u.firstWritable(names)
	}
	u.twoSet = b.find("twoSetTemperature.twoSetEnabled", "")
	u.pairLow, u.pairHigh = u.pair("heatTargetTemperature"), u.pair("coolTargetTemperature")
	u.entity = Entity{Key: climateKey, Platform: Climate, Name: "Climate", Config: map[string]any{}}
	b.device.power = &powerSwitch{u.power.Path, optionLike(u.power, "POWER_ON"), optionLike(u.power, "POWER_OFF")}
	u.modes()
	u.presets()
	u.temperatures()
	u.fan()
	u.swing("swing_mode", "windDirection.rotateUpDown")
	u.swing("swing_horizontal_mode", "windDirection.rotateLeftRight")
	u.sensors()
	b.put(u.entity)
}

func (u *hvacUnit) temperature(name string) *value { return u.find(u.temps+"."+name, "") }

func (u *hvacUnit) pair(name string) *value {
	if v := u.find("twoSetTemperatureInUnits."+name, ""); v != nil {
		return v
	}
	return u.find("twoSetTemperature."+name, "")
}

// optionLike is LG's spelling of an option, or the usual one.
func optionLike(v *value, usual string) string {
	for _, o := range v.Write.Options {
		if name, ok := o.(string); ok && strings.EqualFold(name, usual) {
			return name
		}
	}
	return usual
}

// bind adds a field whose command wakes the appliance.
func (u *hvacUnit) bind(field string, r rank, c Codec, values ...*value) {
	binding := Binding{Attr: climateKey + "_" + field, Field: field, Codec: c, rank: r, wakes: true}
	for _, v := range values {
		if v != nil {
			binding.Props = append(binding.Props, v.Property)
		}
	}
	u.entity.Bindings = append(u.entity.Bindings, binding)
}

func (u *hvacUnit) isOff(s thinq.State) bool {
	name, _ := s[u.power.Path].(string)
	return name == u.device.power.off
}

// job is the job mode of a state, LG's word.
func (u *hvacUnit) job(s thinq.State) string {
	name, _ := s[u.mode.Path].(string)
	return name
}

// twoPoints reports whether a state has two set-points.
func (u *hvacUnit) twoPoints(s thinq.State) bool {
	return u.twoSet != nil && u.pairLow != nil && u.pairHigh != nil && s[u.twoSet.Path] == any(true)
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

func (u *hvacUnit) modes() {
	has := map[string]bool{"off": true}
	for _, job := range u.jobs() {
		has[u.modeOf(job, u.state)] = true
	}
	has[u.modeOf(u.job(u.state), u.state)] = true
	for _, mode := range modeOrder {
		if has[mode] {
			u.modeWords = append(u.modeWords, mode)
		}
	}
	u.entity.Config["modes"] = u.modeWords
	u.bind("mode", rankMode, Codec{Show: u.showMode, Take: u.takeMode}, u.mode, u.power)
	u.bind("power", rankPower, Codec{Take: takeProperty(u.power.Property)}, u.power)
	u.entity.Bindings[len(u.entity.Bindings)-1].wakes = false
	u.consume(climateKey, u.mode)
	u.watchFor(u.mode.Path, func(v any) bool {
		job, ok := v.(string)
		return ok && !slices.Contains(u.modeWords, u.modeOf(job, u.state))
	})
	u.device.memories = append(u.device.memories, func(now, into thinq.State) {
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
		return nil, invalid(strconv.Quote(payload)+" is not one of "+strings.Join(u.modeWords, ", "), u.modeWords)
	}
	wish := thinq.State{u.mode.Path: job}
	if u.isOff(now) {
		wish[u.power.Path] = u.device.power.on
		if u.job(now) == job {
			delete(wish, u.mode.Path) // it comes back in its last mode
		}
	}
	return wish, nil
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
	for _, o := range slices.Concat(u.mode.Read.Options, u.mode.Write.Options) {
		if name, ok := o.(string); ok && hvac[name] == "" && !slices.Contains(u.presetList, word(name)) {
			u.presetList = append(u.presetList, word(name))
		}
	}
	if now := u.job(u.state); now != "" && hvac[now] == "" && !slices.Contains(u.presetList, word(now)) {
		u.presetList = append(u.presetList, word(now))
	}
	u.watchFor(u.mode.Path, func(v any) bool {
		job, ok := v.(string)
		return ok && hvac[job] == "" && !slices.Contains(u.presetList, word(job))
	})
	if len(u.presetList) == 0 {
		return
	}
	u.entity.Config["preset_modes"] = u.presetList
	u.bind("preset_mode", rankMode, Codec{Show: u.showPreset, Take: u.takePreset}, u.mode)
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
	if rejection != nil || hvac[job.(string)] != "" {
		return nil, invalid(strconv.Quote(payload)+" is not one of none, "+strings.Join(u.presetList, ", "), append([]string{"none"}, u.presetList...))
	}
	return thinq.State{u.mode.Path: job}, nil
}

// leavePreset goes back to the mode before the preset; if nobody remembers it,
// to the one that does most nearly the same.
func (u *hvacUnit) leavePreset(now thinq.State) (thinq.State, *Rejection) {
	job := u.job(now)
	if job == "" || hvac[job] != "" {
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

// temperatures adds the set-points with the limits of the present mode; they
// are announced again when the mode changes them.
func (u *hvacUnit) temperatures() {
	u.entity.Config["temperature_unit"] = u.unit()
	u.entity.Config["precision"] = map[string]float64{"C": 0.5, "F": 1}[u.unit()]
	if u.current != nil {
		u.bind("current_temperature", rankValue, Codec{Show: showValue(u.current.Path)})
	}
	props := u.settable()
	if len(props) > 0 || u.pairLow != nil {
		u.bind("temperature", rankValue, Codec{Show: u.showTarget, Take: u.takeTarget}, props...)
		u.entity.Bindings[len(u.entity.Bindings)-1].mirrored = true
		u.limits()
	}
	u.consume(climateKey, append(props, u.target, u.minLimit, u.maxLimit)...)
	if u.twoSet == nil || u.pairLow == nil || u.pairHigh == nil {
		return
	}
	u.watchFor(u.twoSet.Path, func(v any) bool { return (v == any(true)) != u.twoPoints(u.state) })
	u.bind("temperature_low", rankValue, u.pairCodec(u.pairLow, u.pairHigh), u.pairLow, u.pairHigh)
	u.bind("temperature_high", rankValue, u.pairCodec(u.pairHigh, u.pairLow), u.pairLow, u.pairHigh)
	u.consume(climateKey, u.pairLow, u.pairHigh)
}

// unit is the unit of the set-points.
func (u *hvacUnit) unit() string {
	for _, v := range []*value{u.target, u.current, u.pairLow} {
		if v != nil && v.word.Unit == "°F" {
			return "F"
		}
	}
	return "C"
}

// settable are all properties that take a temperature in some mode.
func (u *hvacUnit) settable() []*value {
	var all []*value
	for _, job := range []string{"COOL", "HEAT", "AUTO"} {
		for _, name := range targets[job] {
			if v := u.temperature(name); v != nil && v.Writable && !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	return append(all, slices.DeleteFunc([]*value{u.pairLow, u.pairHigh}, func(v *value) bool { return v == nil })...)
}

// targetFor is the property that takes the temperature in a state; nil if none
// does.
func (u *hvacUnit) targetFor(s thinq.State) *value {
	job := u.job(s)
	if u.twoPoints(s) {
		switch job {
		case "COOL", "ENERGY_SAVING":
			return u.pairHigh
		case "HEAT":
			return u.pairLow
		}
	}
	if _, known := targets[job]; known {
		return u.byJob[job]
	}
	return u.byJob[""]
}

// firstWritable is the first of several temperatures that can be set, nil if
// none can.
func (u *hvacUnit) firstWritable(names []string) *value {
	for _, name := range names {
		if v := u.temperature(name); v != nil && v.Writable {
			return v
		}
	}
	return nil
}

// limits announces what can be set now; in a mode without a set-point what the
// first one takes, so that the range does not jump about.
func (u *hvacUnit) limits() {
	low, high, step := u.limitsIn(u.state)
	if low < high {
		u.entity.Config["min_temp"], u.entity.Config["max_temp"], u.entity.Config["temp_step"] = low, high, step
	}
	differs := func(p thinq.Path) func(any) bool {
		return func(v any) bool {
			then := thinq.State{p: v}
			for path, known := range u.state {
				if path != p {
					then[path] = known
				}
			}
			l, h, s := u.limitsIn(then)
			return l != low || h != high || s != step
		}
	}
	for _, v := range []*value{u.mode, u.twoSet, u.minLimit, u.maxLimit} {
		if v != nil {
			u.watchFor(v.Path, differs(v.Path))
		}
	}
}

func (u *hvacUnit) limitsIn(s thinq.State) (low, high, step float64) {
	v := u.targetFor(s)
	switch all := u.settable(); {
	case u.twoPoints(s) && u.job(s) == "AUTO":
		return u.pairLow.Write.Min, u.pairHigh.Write.Max, u.pairLow.Write.Step
	case v == nil && len(all) > 0:
		v = all[0]
	case v == nil:
		return 0, 0, 0
	}
	if !v.Write.Limited {
		return map[string]float64{"C": 10, "F": 50}[u.unit()], map[string]float64{"C": 35, "F": 95}[u.unit()], 1
	}
	low, high, step = v.Write.Min, v.Write.Max, v.Write.Step
	if l, ok := u.limit(u.minLimit, s); ok && l > low && l < high {
		low = l
	}
	if h, ok := u.limit(u.maxLimit, s); ok && h < high && h > low {
		high = h
	}
	return low, high, step
}

func (u *hvacUnit) limit(v *value, s thinq.State) (float64, bool) {
	if v == nil {
		return 0, false
	}
	f, ok := s[v.Path].(float64)
	return f, ok
}

// showTarget shows the one set-point; null while there are two that count.
func (u *hvacUnit) showTarget(dst []byte, s thinq.State) []byte {
	switch v := u.targetFor(s); {
	case u.twoPoints(s) && u.job(s) == "AUTO":
		return append(dst, "null"...)
	case u.twoPoints(s) && (v == u.pairLow || v == u.pairHigh):
		return appendValue(dst, s[v.Path])
	case u.target != nil:
		return appendValue(dst, s[u.target.Path])
	}
	return append(dst, "null"...)
}

func (u *hvacUnit) takeTarget(payload string, now thinq.State) (thinq.State, *Rejection) {
	v := u.targetFor(now)
	if v == nil || u.twoPoints(now) && u.job(now) == "AUTO" {
		return nil, &Rejection{Reason: "wrong_mode", Message: "no single temperature can be set in the mode " + word(u.job(now))}
	}
	f, rejection := parseNumber(v.Property, payload)
	if rejection != nil {
		return nil, rejection
	}
	if v == u.pairLow || v == u.pairHigh {
		return u.both(v, f, now), nil
	}
	return thinq.State{v.Path: f}, nil
}

// both is the wish for one set-point of two: LG wants them together.
func (u *hvacUnit) both(v *value, f any, now thinq.State) thinq.State {
	wish := thinq.State{}
	for _, set := range []*value{u.pairLow, u.pairHigh} {
		if now[set.Path] != nil {
			wish[set.Path] = now[set.Path]
		}
	}
	wish[v.Path] = f
	return wish
}

// pairCodec shows a set-point of two while both count.
func (u *hvacUnit) pairCodec(v, _ *value) Codec {
	return Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if u.twoPoints(s) && u.job(s) == "AUTO" {
				return appendValue(dst, s[v.Path])
			}
			return append(dst, "null"...)
		},
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			f, rejection := parseNumber(v.Property, payload)
			if rejection != nil {
				return nil, rejection
			}
			if !u.twoPoints(now) {
				return nil, &Rejection{Reason: "wrong_mode", Message: "the appliance has one set-point at the moment"}
			}
			return u.both(v, f, now), nil
		},
	}
}

// fanSources are the properties that set the fan, finest first.
var fanSources = []string{"airFlow.windStep", "airFlow.windStrengthDetail", "airFlow.windStrength"}

// fanNames are Home Assistant's usual words for some of LG's.
var fanNames = map[string]string{"medium": "MID"}

func (u *hvacUnit) fan() {
	var source *value
	for _, key := range fanSources {
		v := u.find(key, "")
		if v == nil || !v.Writable {
			continue
		}
		if source == nil {
			source = v
		}
		u.consume(climateKey, v)
	}
	if source == nil {
		return
	}
	u.entity.Config["fan_modes"] = u.fanModes(source)
	take := takeProperty(source.Property)
	u.bind("fan_mode", rankFan, Codec{
		Show: showProperty(source.Property),
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			if usual, ok := fanNames[word(strings.TrimSpace(payload))]; ok && slices.Contains(source.Write.Options, any(usual)) {
				payload = usual
			}
			return take(payload, now)
		},
	}, source)
}

// fanModes lists words, or for steps their numbers.
func (u *hvacUnit) fanModes(v *value) []string {
	if !isNumeric(v.Property) {
		return u.optionsOf(v)
	}
	var modes []string
	low, high := limitsOf(v.Property, v.word)
	for f := low; f <= high && len(modes) < 32; f += stepOf(v.Property) {
		modes = append(modes, string(appendNumber(nil, f)))
	}
	return modes
}

// swing adds one axis of the vanes.
func (u *hvacUnit) swing(field, key string) {
	v := u.find(key, "")
	if v == nil || !v.Writable || !isBool(v.Property) {
		return
	}
	u.entity.Config[field+"s"] = []string{"off", "on"}
	u.bind(field, rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			switch s[v.Path] {
			case true:
				return append(dst, `"on"`...)
			case false:
				return append(dst, `"off"`...)
			}
			return append(dst, "null"...)
		},
		Take: takeProperty(v.Property),
	}, v)
	u.consume(climateKey, v)
}

// sensors adds what the climate entity shows besides, and keeps as sensors too.
func (u *hvacUnit) sensors() {
	if v := u.find("airQualitySensor.humidity", ""); v != nil && v.Readable {
		u.bind("current_humidity", rankValue, Codec{Show: showValue(v.Path)})
	}
}
