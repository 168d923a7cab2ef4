package discovery

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	texttemplate "text/template"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const referenceFile = "../deploy/devices.md"

// TestGoldenReference compares the page about devices with what the table and the
// samples make of it; -update writes it.
func TestGoldenReference(t *testing.T) {
	var page bytes.Buffer
	if err := referencePage.Execute(&page, referenceOf(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(referenceFile, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(have), page.String()); diff != "" {
		t.Errorf("%s is stale; go test ./discovery -run Golden -update writes it:\n%s", referenceFile, diff)
	}
}

// A reference is what the page says.
type reference struct {
	Everywhere []referenceRow
	Kinds      []referenceKind
}

// A referenceKind is the types that have one section in the parity table.
type referenceKind struct {
	Title  string
	Types  []string
	Places []string // that stand in front of keys
	Rows   []referenceRow
}

// A referenceRow is one entity; places are told apart by a leading ….
type referenceRow struct {
	Platform             string // several, where models differ
	Key, Name, From, Set string
}

// everywhere are the entities that any appliance may have: they are described
// once.
func everywhere(key string) bool {
	return key == connectionKey || key == lastUpdateKey || key == refreshKey || key == "problem" || key == "error" || key == "error_code" || key == "notification" ||
		strings.HasPrefix(key, snake(plainMeter))
}

func referenceOf(t *testing.T) reference {
	t.Helper()
	var page reference
	kinds := map[string]*referenceKind{}
	for _, r := range parityRows(t) {
		if kinds[r.types[0]] != nil || r.types[0] == "*" {
			continue
		}
		kind := &referenceKind{Types: r.types, Title: titleOf(r.types)}
		for _, one := range r.types {
			kinds[one] = kind
		}
	}
	other := &referenceKind{Title: "Types that LG has not described", Types: []string{"any other"}}
	common := &referenceKind{}
	for _, saved := range builtIn() {
		s := load(t, saved)
		s.metered(t, saved)
		if strings.HasPrefix(saved.Name, "broken") {
			continue
		}
		for _, d := range s.describe(testOptions) {
			sources := d.Sources(s.profile, s.state, noon)
			kind := kinds[kindOf(d)]
			if kind == nil {
				kind = other
			}
			for _, e := range d.Entities {
				switch {
				case e.Platform == Silent:
				case everywhere(e.Key):
					common.learn(s.profile, e, sources[e.Key])
				default:
					kind.learn(s.profile, e, sources[e.Key])
				}
			}
		}
	}
	for _, kind := range append(slices.Collect(maps.Values(kinds)), common, other) {
		slices.SortFunc(kind.Rows, func(a, b referenceRow) int {
			return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Key, b.Key))
		})
		slices.Sort(kind.Places)
		if kind != common && kind != other && !slices.ContainsFunc(page.Kinds, func(k referenceKind) bool { return k.Title == kind.Title }) {
			page.Kinds = append(page.Kinds, *kind)
		}
	}
	slices.SortFunc(page.Kinds, func(a, b referenceKind) int { return cmp.Compare(a.Title, b.Title) })
	page.Kinds = append(page.Kinds, *other)
	page.Everywhere = common.Rows
	return page
}

// titleOf names types as people do.
func titleOf(types []string) string {
	var names []string
	for _, one := range types {
		kind, half, isHalf := strings.Cut(one, "/")
		a, _ := lookUpAppliance(typePrefix+kind, "")
		if isHalf {
			a.Name += "'s " + half
		}
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

// meterHalves takes the half of a tower out of the key of a meter.
var meterHalves = strings.NewReplacer("_washer", "", "_dryer", "")

// learn adds an entity. One of the same key becomes one row with it; of the two
// the one that can do more gives the name.
func (k *referenceKind) learn(p *thinq.Profile, e Entity, sources []thinq.Path) {
	key := e.Key
	if strings.HasPrefix(key, snake(plainMeter)) {
		key = meterHalves.Replace(key)
	}
	row := referenceRow{Platform: string(e.Platform), Key: key, Name: or(e.Name, "the appliance"), From: fromOf(e, sources), Set: setOf(e)}
	for _, q := range p.Properties {
		place := locationKey(q.Path.Location)
		short, ok := strings.CutPrefix(e.Key, place)
		if place == "" || !ok {
			continue
		}
		row.Key, row.Set = "…"+short, strings.ReplaceAll(row.Set, "`"+place, "`…")
		row.Name = sentence(strings.TrimPrefix(row.Name, sentence(strings.TrimSuffix(place, "_"))+" "))
		if name := strings.TrimSuffix(place, "_"); !slices.Contains(k.Places, name) {
			k.Places = append(k.Places, name)
		}
		break
	}
	for i, have := range k.Rows {
		if strings.TrimPrefix(have.Key, "…") != strings.TrimPrefix(row.Key, "…") {
			continue
		}
		first, then := have, row
		if len(row.Set) > len(have.Set) {
			first, then = row, have
		}
		have.Name, have.Set, have.Platform = first.Name, first.Set, first.Platform
		for _, other := range strings.Split(then.Platform, ", ") {
			if !slices.Contains(strings.Split(have.Platform, ", "), other) {
				have.Platform += ", " + other
			}
		}
		k.Rows[i] = have
		return
	}
	k.Rows = append(k.Rows, row)
}

// fromOf are the properties that an entity stands for, or else those that it
// follows, three at most.
func fromOf(e Entity, sources []thinq.Path) string {
	var all []thinq.Path
	for _, b := range e.Bindings {
		for _, p := range b.Props {
			all = append(all, p.Path)
		}
	}
	if len(all) == 0 {
		all = sources
	}
	var keys []string
	for _, p := range all {
		if key := "`" + p.Key() + "`"; !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if len(keys) > 3 {
		keys = append(keys[:3], "…")
	}
	return strings.Join(keys, ", ")
}

// setOf are the attributes of an entity that can be set, and with what.
func setOf(e Entity) string {
	if types, ok := e.Config["event_types"].([]string); ok && e.Key != "notification" && e.Key != "error" {
		return "sends " + strings.Join(types, ", ")
	}
	var all []string
	for _, b := range e.Bindings {
		if b.Codec.Take == nil || e.Platform == Sensor || e.Platform == BinarySensor {
			continue
		}
		switch values := valuesOf(e, b); {
		case b.Attr == e.Key:
			all = append(all, or(values, "a text"))
		case values == "":
			all = append(all, "`"+b.Attr+"`")
		default:
			all = append(all, "`"+b.Attr+"`: "+values)
		}
	}
	return strings.Join(all, "; ")
}

// fieldLimits are the keys of the limits of a field's numbers.
var fieldLimits = map[string][2]string{
	"temperature": {"min_temp", "max_temp"}, "temperature_low": {"min_temp", "max_temp"}, "temperature_high": {"min_temp", "max_temp"},
	"target_humidity": {"min_humidity", "max_humidity"}, "percentage": {"", "speed_range_max"}, "brightness": {"", "brightness_scale"},
	"": {"min", "max"},
}

// valuesOf is what a field may be set to, in short.
func valuesOf(e Entity, b Binding) string {
	c := e.Config
	for _, key := range []string{b.Field + "s", "options"} {
		if words, ok := c[key].([]string); ok && (key != "options" || b.Field == "") {
			if len(words) > 6 {
				words = append(slices.Clone(words[:6]), "…")
			}
			return strings.Join(words, ", ")
		}
	}
	if e.Platform == TextEntity && c["pattern"] != nil {
		return "07:30"
	}
	if ends, ok := fieldLimits[b.Field]; ok && c[ends[1]] != nil {
		return fmt.Sprintf("%v to %v", cmp.Or(c[ends[0]], any(0)), c[ends[1]])
	}
	switch {
	case e.Platform == Button:
		return "a press"
	case e.Platform == Switch, c["payload_on"] != nil && b.Field == "", b.Field == "power", b.Field == "oscillation":
		return "on, off"
	}
	return ""
}

var referencePage = texttemplate.Must(texttemplate.New("").Funcs(texttemplate.FuncMap{"join": strings.Join}).Parse(`# What each appliance has in Home Assistant

This page is made from the tables and the sample appliances of this repository. Yours has those entities whose
properties LG lists for it, with its own words and limits; ` + "`thinq2mqtt preview DIR --table`" + ` shows them for a saved one.

Keys are those of the state document, and the ends of unique ids: they never change. What can be set takes commands on
` + "`<slug>/set/<attribute>`" + `; the attribute is the key where no other is named, and the values are those of a
sample. Where a row names several platforms, it depends on the model which it is. A leading … stands for the place and
an underscore: ` + "`freezer_target_temperature`" + `.

## Every appliance

| entity | key | name |
|---|---|---|
{{range .Everywhere}}| {{.Platform}} | ` + "`{{.Key}}`" + ` | {{.Name}} |
{{end}}
Errors and notifications come with an event entity and device triggers where LG lists their codes; energy where LG
keeps a meter.
{{range .Kinds}}
## {{.Title}}

{{range $i, $t := .Types}}{{if $i}}, {{end}}` + "`{{$t}}`" + `{{end}}{{if .Places}} · places: {{join .Places ", "}}{{end}}

| entity | key | name | from | can be set |
|---|---|---|---|---|
{{range .Rows}}| {{.Platform}} | ` + "`{{.Key}}`" + ` | {{.Name}} | {{.From}} | {{.Set}} |
{{end}}{{end}}
## Otherwise than in Home Assistant's own integration

Every entity that the integration ` + "`lg_thinq`" + ` has is here, on the same platform. Different are, with the reason:

| there | here | because |
|---|---|---|
| keys of its own | LG's names of properties | they also name what it does not know, and topics |
| the ` + "`operation_power`" + ` switch wherever something can be set | only where LG takes the order to switch off | a switch that cannot switch is none |
| no target temperature while off | the last one stays | it is what turning on will bring |
| absolute timers may lie in the past | always the next time | the clock strikes every day |
| an error is forgotten with the next report | until LG says that it is over | a report that does not mention it says nothing of it |

## Not possible

LG's interface has no such property, so nobody can offer it: measured temperatures of a refrigerator · the course, the
temperature, the spin speed or the options of a wash · power in watts (meters count days) · camera and map of a robot
· child lock · firmware updates · bath air systems and other products that LG leaves out of its interface · starting
what nobody has allowed at the appliance's own panel · appliances that somebody else shares with you, as far as LG
keeps their energy and control to the owner.
`))
