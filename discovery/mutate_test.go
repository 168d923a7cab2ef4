package discovery

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// nth says how many of the mutations are tried: every nth; 1 tries all, which
// takes minutes.
var nth = flag.Int("nth", 293, "try every nth of the mutations of the samples")

// A node is one value in the text of a JSON document.
type node struct {
	path       string // "/property/airFlow/windStrength/mode/0"
	key        int    // where it begins with its key, if it has one
	start, end int
}

// nodes finds every value below the root of a document.
func nodes(t *testing.T, data []byte) []node {
	t.Helper()
	var all []node
	d := json.NewDecoder(bytes.NewReader(data))
	token := func() json.Token {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	begin := func() int { // of what comes next
		at := int(d.InputOffset())
		return at + len(data[at:]) - len(bytes.TrimLeft(data[at:], " \t\r\n,:"))
	}
	var walk func(path string, key int)
	walk = func(path string, key int) {
		n := node{path: path, key: key, start: begin()}
		switch token() {
		case json.Delim('{'):
			for d.More() {
				key := begin()
				walk(path+"/"+token().(string), key)
			}
			token()
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				walk(fmt.Sprint(path, "/", i), begin())
			}
			token()
		}
		n.end = int(d.InputOffset())
		if path != "" {
			all = append(all, n)
		}
	}
	walk("", 0)
	return all
}

// A mutation damages a node of a document. The text that it puts in the place of
// a value has no meaning anywhere.
type mutation struct {
	name  string
	apply func(data []byte, n node) []byte
}

func replaced(with string) func([]byte, node) []byte {
	return func(data []byte, n node) []byte {
		return slices.Concat(data[:n.start], []byte(with), data[n.end:])
	}
}

// mutations are all that can become of a value.
var mutations = []mutation{
	{"without", func(data []byte, n node) []byte {
		before, after := bytes.TrimRight(data[:n.key], " \t\r\n"), bytes.TrimLeft(data[n.end:], " \t\r\n")
		if after[0] == ',' {
			after = after[1:]
		} else {
			before = bytes.TrimSuffix(before, []byte(","))
		}
		return slices.Concat(before, after)
	}},
	{"twice", func(data []byte, n node) []byte {
		return slices.Concat(data[:n.end], []byte(","), data[n.key:n.end], data[n.end:])
	}},
	{"null", replaced(`null`)},
	{"true", replaced(`true`)},
	{"word", replaced(`"NEVER SEEN"`)},
	{"empty word", replaced(`""`)},
	{"number", replaced(`-7.5`)},
	{"digits", replaced(`"12"`)},
	{"object", replaced(`{}`)},
	{"list", replaced(`[]`)},
	{"strange object", replaced(`{"min":"a","r":{"x":[1]},"locationName":7}`)},
	{"strange list", replaced(`[null,7,"A",{"unit":3}]`)},
	{"huge", replaced(`"` + strings.Repeat("hugE ", 2000) + `"`)},
}

// TestMutations damages the samples in every place, one at a time: nothing
// panics, Home Assistant takes every entity that is left and every value of it,
// every command has an answer, and what another resource says stays as it was.
func TestMutations(t *testing.T) {
	long(t)
	t.Parallel()
	count := 0
	for _, saved := range builtIn() {
		t.Run(saved.Name, func(t *testing.T) {
			whole := load(t, saved)
			sound := soundDevices(t, whole)
			for _, document := range []string{"profile", "status"} {
				data := map[string][]byte{"profile": saved.Profile, "status": saved.Status}[document]
				for _, n := range nodes(t, data) {
					for _, m := range mutations {
						if count++; count%*nth != 0 {
							continue
						}
						bad := saved
						if document == "profile" {
							bad.Profile = m.apply(data, n)
						} else {
							bad.Status = m.apply(data, n)
						}
						t.Run(document+n.path+" "+m.name, func(t *testing.T) {
							endure(t, whole, sound, bad, document+n.path, m.name)
						})
					}
				}
			}
		})
	}
	t.Logf("%d mutations, of which one in %d was tried", count, *nth)
}

// A soundDevice is a device before all damage.
type soundDevice struct {
	*Device
	components map[string]json.RawMessage
	resources  map[string][]string // of each entity
}

func soundDevices(t *testing.T, s sample) []soundDevice {
	t.Helper()
	var all []soundDevice
	for _, d := range s.describe(willing()) {
		was := soundDevice{d, componentsOf(t, d), map[string][]string{}}
		sources := d.Sources(s.profile, s.state, noon)
		for key := range was.components {
			was.resources[key] = resources(d, sources, key)
		}
		all = append(all, was)
	}
	return all
}

// endure checks a damaged sample against the sound one.
func endure(t *testing.T, whole sample, sound []soundDevice, bad thinqtest.Sample, path, name string) {
	if !json.Valid(bad.Profile) || !json.Valid(bad.Status) {
		t.Fatalf("the mutation made no JSON")
	}
	p, err := thinq.ParseProfile(bad.Profile)
	if err != nil {
		if strings.Count(path, "/") > 2 {
			t.Errorf("one damage in the depth, and no profile is left: %v", err)
		}
		return
	}
	s, err := p.Decode(bad.Status)
	if err != nil {
		t.Fatal(err)
	}
	state := s
	devices := Describe(whole.device, p, state, willing())
	for _, d := range devices {
		derived, _ := d.Advance(state, state, noon)
		state.Merge(derived)
	}
	devices = Describe(whole.device, p, state, willing())
	odd := newHome()
	odd.odd = true
	odd.accepts(t, devices, state)
	for _, d := range devices {
		checkAnnouncement(t, d.Announcement())
		obeyAnything(t, d, p, state)
	}
	if strings.HasPrefix(path, "profile") {
		for _, d := range devices {
			unharmed(t, sound, d, resourceOf(path))
		}
		if last := path[strings.LastIndex(path, "/")+1:]; last != "property" && last != "extensionProperty" && !isIndex(last) { // nothing at all is what a hub has
			tells(t, whole.profile, p, name)
		}
	}
}

// obeyAnything gives commands of all kinds: each has calls that LG's grammar can
// carry, or a refusal.
func obeyAnything(t *testing.T, d *Device, p *thinq.Profile, now thinq.State) {
	t.Helper()
	for _, attr := range d.settable() {
		for _, payload := range []string{"", "0", "21.5", "1e300", "on", "off", "True", "none", "START", "07:30", "{}", strings.Repeat("x", 300)} {
			calls, err := d.Wish(map[string]string{attr: payload}, now)
			if err != nil {
				continue
			}
			for _, call := range calls {
				if Local(call) {
					continue
				}
				for _, one := range p.Split(call) {
					if _, err := p.Encode(one); err != nil {
						t.Errorf("%s=%q: %v", attr, payload, err)
					}
				}
			}
		}
	}
}

// resourceOf is the resource that a path of a profile leads into, empty if it
// leads into none or into what tells resources apart.
func resourceOf(path string) string {
	steps := strings.Split(path, "/")
	for len(steps) > 0 && steps[0] != "property" && steps[0] != "extensionProperty" {
		steps = steps[1:]
	}
	for len(steps) > 1 && (steps[0] == "property" || steps[0] == "extensionProperty" || isIndex(steps[0])) {
		steps = steps[1:]
	}
	if len(steps) == 0 || isIndex(steps[0]) || steps[0] == "location" || steps[0] == "property" || steps[0] == "extensionProperty" {
		return ""
	}
	return steps[0]
}

func isIndex(step string) bool { return step != "" && strings.Trim(step, "0123456789") == "" }

// unharmed compares the entities that have nothing to do with a resource with
// those of the sound appliance, byte for byte.
func unharmed(t *testing.T, sound []soundDevice, d *Device, resource string) {
	t.Helper()
	if resource == "" || d.together && resource == "operation" { // the order that everything else goes with
		return
	}
	for _, was := range sound {
		if was.ID != d.ID {
			continue
		}
		now := componentsOf(t, d)
		for key, c := range was.components {
			own := was.resources[key]
			if _, there := now[key]; !there && namesake(key, own) {
				continue // its key had its resource in it because of another of that name
			}
			if !slices.Contains(own, resource) && len(own) > 0 && string(now[key]) != string(c) {
				t.Errorf("%s was\n%s\nand is\n%s", key, c, now[key])
			}
		}
	}
}

// namesake reports whether a key says its resource, to tell it from another.
func namesake(key string, resources []string) bool {
	return slices.ContainsFunc(resources, func(r string) bool { return strings.Contains(key, snake(r)+"_") })
}

func componentsOf(t *testing.T, d *Device) map[string]json.RawMessage {
	t.Helper()
	var m struct{ Components map[string]json.RawMessage }
	if err := json.Unmarshal(d.Announcement(), &m); err != nil {
		t.Fatal(err)
	}
	return m.Components
}

// resources are those that an entity is made of, or follows.
func resources(d *Device, sources map[string][]thinq.Path, key string) []string {
	set := map[string]bool{}
	for _, p := range sources[key] {
		set[p.Resource] = true
	}
	for _, e := range d.Entities {
		if e.Key != key {
			continue
		}
		for _, b := range e.Bindings {
			for _, p := range b.With {
				set[p.Path.Resource] = true
			}
		}
	}
	return slices.Collect(maps.Keys(set))
}

// tells checks that a profile which lost a property to damage says so. What is
// not there at all cannot be missed, and what moved is not lost.
func tells(t *testing.T, whole, damaged *thinq.Profile, name string) {
	t.Helper()
	if name == "without" || name == "null" || slices.ContainsFunc(damaged.Problems, func(p string) bool { return !slices.Contains(whole.Problems, p) }) || len(damaged.Properties) >= len(whole.Properties) {
		return
	}
	for _, p := range whole.Properties {
		if _, ok := damaged.Property(p.Path); !ok {
			t.Errorf("%s is lost without a word", p.Path)
		}
	}
}
