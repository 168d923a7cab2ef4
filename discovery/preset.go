package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// presets are the job modes that Home Assistant has no mode for. It adds "none"
// to the list by itself.
func (u *hvacUnit) presets() {
	for _, job := range u.wordsShown(u.mode) {
		if hvacMode(job) == "" && !slices.Contains(u.presetList, word(job)) {
			u.presetList = append(u.presetList, word(job))
		}
	}
	u.watchFor(u.mode.Path, func(v any, _ thinq.State) bool {
		job, ok := v.(string)
		return ok && hvacMode(job) == "" && !slices.Contains(u.presetList, word(job))
	})
	if len(u.presetList) == 0 {
		return
	}
	u.entity.Config["preset_modes"] = u.presetList
	u.bind("preset_mode", rankMode, Codec{Show: u.showPreset, Take: u.takePreset(u.jobs())}, u.mode, u.power)
}

func (u *hvacUnit) showPreset(dst []byte, s thinq.State) []byte {
	job := u.job(s)
	if job == "" || hvacMode(job) != "" || u.isOff(s) {
		return append(dst, `"none"`...)
	}
	return appendString(dst, word(job))
}

// takePreset reads a preset, given the job modes that can be set.
func (u *hvacUnit) takePreset(jobs []string) func(string, thinq.State) (thinq.State, *Rejection) {
	can := []string{"none"}
	for _, job := range jobs {
		if hvacMode(job) == "" {
			can = append(can, word(job))
		}
	}
	return func(payload string, now thinq.State) (thinq.State, *Rejection) {
		asked := word(strings.TrimSpace(payload))
		if asked == "none" {
			return u.leavePreset(jobs, now)
		}
		i := slices.IndexFunc(jobs, func(job string) bool { return word(job) == asked })
		if i < 0 || hvacMode(jobs[i]) != "" {
			return nil, invalid(cited(payload)+" is not one of "+strings.Join(can, ", "), can)
		}
		return u.work(jobs[i], now), nil
	}
}

// leavePreset goes back to the mode before the preset; if nobody remembers it,
// to the one that does most nearly the same.
func (u *hvacUnit) leavePreset(jobs []string, now thinq.State) (thinq.State, *Rejection) {
	job := u.job(now)
	if job == "" || hvacMode(job) != "" || u.isOff(now) {
		return nil, nil
	}
	last, _ := now[u.lastMode].(string)
	for _, mode := range []string{hvacMode(last), u.modeOf(job, nil), "cool", "auto", "dry", "heat"} {
		for _, next := range jobs {
			if hvacMode(next) == mode && mode != "" {
				return thinq.State{u.mode.Path: next}, nil
			}
		}
	}
	return nil, &Rejection{Reason: "wrong_mode", Message: "there is no mode to go back to"}
}
