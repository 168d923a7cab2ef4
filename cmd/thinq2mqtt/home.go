package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// homeFlags say which simulated appliances there are and how they live.
type homeFlags struct {
	devices  string
	profiles []string
	seed     uint64
	speed    float64
}

func (f *homeFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.devices, "devices", "all", "`which` appliances: all, N (more than there are: again from the first), or types as in washer,oven")
	flags.StringArrayVar(&f.profiles, "profiles", nil, "`folder` of a saved appliance, or of several, instead of the built-in ones; may be repeated, or followed by more folders")
	flags.Uint64Var(&f.seed, "seed", 1, "`number` that decides all that is random")
	flags.Float64Var(&f.speed, "speed", 1, "appliances live so many `times` faster")
	cmd.MarkFlagDirname("profiles")
}

// samples are the appliances that were asked for; more are further folders.
func (f *homeFlags) samples(more []string) ([]thinqtest.Sample, error) {
	if len(more) > 0 && len(f.profiles) == 0 {
		return nil, exitf(exitUsage, "unexpected argument %q: folders follow --profiles", more[0])
	}
	if f.speed <= 0 {
		return nil, exitf(exitUsage, "--speed %v: must be above 0", f.speed)
	}
	all := thinqtest.Samples()
	if folders := slices.Concat(f.profiles, more); len(folders) > 0 {
		all = nil
		for _, folder := range folders {
			samples, err := loadSamples(folder)
			if err != nil {
				return nil, exit(exitData, err)
			}
			all = append(all, samples...)
		}
	}
	return selected(all, f.devices)
}

// loadSamples reads one saved appliance, or a folder of them.
func loadSamples(folder string) ([]thinqtest.Sample, error) {
	if _, err := os.Stat(filepath.Join(folder, "device.json")); err != nil {
		if inside, _ := filepath.Glob(filepath.Join(folder, "*", "device.json")); len(inside) > 0 {
			return thinqtest.LoadSamples(os.DirFS(folder))
		}
	}
	s, err := thinqtest.LoadSample(folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: give a folder with device.json, profile.json and status.json", folder, err)
	}
	return []thinqtest.Sample{s}, nil
}

// selected are those appliances that --devices means.
func selected(all []thinqtest.Sample, which string) ([]thinqtest.Sample, error) {
	if which == "all" {
		return all, nil
	}
	if n, err := strconv.Atoi(which); err == nil {
		if n < 1 || n > mostDevices {
			return nil, exitf(exitUsage, "--devices %d: must be 1 to %d", n, mostDevices)
		}
		return repeated(all, n)
	}
	types := map[string]bool{}
	for _, s := range all {
		types[sampleType(s)] = true
	}
	want := map[string]bool{}
	for word := range strings.SplitSeq(which, ",") {
		word = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(word)), "device_")
		if !types[word] {
			return nil, exitf(exitUsage, "--devices %s: there is no %s among %s", which, cmp.Or(word, "empty type"),
				strings.Join(slices.Sorted(maps.Keys(types)), ", "))
		}
		want[word] = true
	}
	return slices.DeleteFunc(all, func(s thinqtest.Sample) bool { return !want[sampleType(s)] }), nil
}

// mostDevices is more than any home has; a cloud of so many still answers.
const mostDevices = 2000

// repeated are n appliances: after the last one the first comes again, with an
// id and a name of its own.
func repeated(all []thinqtest.Sample, n int) ([]thinqtest.Sample, error) {
	home := make([]thinqtest.Sample, n)
	for i := range n {
		home[i] = all[i%len(all)]
		if round := i / len(all); round > 0 {
			twin, err := twinOf(home[i].Device, round+1)
			if err != nil {
				return nil, exit(exitData, err)
			}
			home[i].Device, home[i].Name = twin, fmt.Sprintf("%s %d", home[i].Name, round+1)
			home[i].Pushes = nil // they name the first one's id
		}
	}
	return home, nil
}

// twinOf is an element of the device list with another id and alias. The id has
// the form of LG's: 64 hexadecimal digits.
func twinOf(device json.RawMessage, number int) (json.RawMessage, error) {
	var element map[string]any
	if err := json.Unmarshal(device, &element); err != nil {
		return nil, err
	}
	element["deviceId"] = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%v %d", element["deviceId"], number)))
	if info, ok := element["deviceInfo"].(map[string]any); ok {
		info["alias"] = fmt.Sprintf("%v %d", info["alias"], number)
	}
	return json.Marshal(element)
}

// sampleType is the type of an appliance as --devices takes it: "washer".
func sampleType(s thinqtest.Sample) string {
	var d struct {
		Info struct {
			Type string `json:"deviceType"`
		} `json:"deviceInfo"`
	}
	json.Unmarshal(s.Device, &d) // samples are checked where they are loaded
	return strings.ToLower(strings.TrimPrefix(d.Info.Type, "DEVICE_"))
}
