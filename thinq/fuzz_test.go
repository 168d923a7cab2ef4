package thinq

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// odd are texts on and beside the edge of JSON.
var odd = []string{
	``, ` `, `0`, `-0`, `-`, `01`, `1.`, `.1`, `1e5`, `1E+05`, `1e`, `1e400`, `+1`, `0x1`, `NaN`,
	`true`, `tru`, `truex`, `null`, `nul`, `false `, `""`, `"`, `"\u00e9\ud83d\ude00"`, `"\ud800"`, `"\u12"`, `"\x"`, "\"\t\"", "\"\xff\"", "\"\x7f\"",
	`[]`, `[,]`, `[1,]`, `[1 2]`, `[[[[]]]]`, `{}`, `{,}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":{"b":[1,{"c":null}]}} `, `{"a":1}}`, "\ufeff{}",
}

// The scanner takes what encoding/json takes and reads the same from it.
func FuzzScan(f *testing.F) {
	for _, s := range odd {
		f.Add([]byte(s))
	}
	for _, tt := range decodings {
		f.Add([]byte(tt.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer bounds.Keep(t)()
		err := checkJSON(data)
		if errors.Is(err, errNesting) || errors.Is(err, errValues) {
			return
		}
		if valid := json.Valid(data); valid != (err == nil) {
			t.Fatalf("%q: encoding/json says %v, the scanner %v", data, valid, err)
		}
		if err != nil {
			return
		}
		var want any
		if json.Unmarshal(data, &want) != nil {
			return // a number that no float64 holds
		}
		c := cursor{data: data}
		if got := tree(&c); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", data, got, want)
		}
		c = cursor{data: data}
		if json.Valid(c.raw()) != true || checkJSON(data[c.pos:]) == nil {
			t.Errorf("%q: skipped to %d", data, c.pos)
		}
	})
}

// tree reads everything, in the types of encoding/json.
func tree(c *cursor) any {
	switch c.kind() {
	case '{':
		object := make(map[string]any)
		c.enter()
		for key, ok := c.member(); ok; key, ok = c.member() {
			key := string(key)
			object[key] = tree(c)
		}
		return object
	case '[':
		list := []any{}
		c.enter()
		for c.element() {
			list = append(list, tree(c))
		}
		return list
	}
	v, _ := c.scalar()
	return v
}

// Any profile can be used: its properties are found and checked, what can be
// set survives the way to the appliance and back.
func FuzzParseProfile(f *testing.F) {
	for _, tt := range layouts {
		f.Add([]byte(tt.profile))
	}
	for _, s := range []string{heater, stove, baker, cooler, tower} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer bounds.Keep(t)()
		p, err := ParseProfile(data)
		if err != nil {
			return
		}
		wish := make(State)
		for _, q := range p.Properties {
			if got, ok := p.Property(q.Path); !ok || got.Path != q.Path {
				t.Errorf("%+v is not found", q.Path)
			}
			if again, err := ParsePath(q.Path.String()); err != nil || again != q.Path {
				t.Errorf("%+v: as a word it is %+v, %v", q.Path, again, err)
			}
			for _, v := range writable(q) {
				if q.Check(v) == nil {
					wish[q.Path] = v
					if _, err := p.Encode(State{q.Path: v}); err != nil {
						t.Errorf("Encode(%s: %v): %v", q.Path, v, err)
					}
				}
			}
		}
		for _, call := range p.Split(wish) {
			body, err := p.Encode(call)
			if err != nil {
				t.Errorf("Encode(%v): %v", call, err)
			}
			if _, err := p.Decode(body); err != nil {
				t.Errorf("Decode(%s): %v", body, err)
			}
		}
	})
}

// Any JSON that a profile is asked about ends in a state that can be stored,
// and says the same a second time.
func FuzzDecode(f *testing.F) {
	for _, tt := range decodings {
		f.Add(tt.profile, []byte(tt.data))
	}
	for _, s := range odd {
		f.Add(heater, []byte(s))
	}
	f.Fuzz(func(t *testing.T, profile string, data []byte) {
		defer bounds.Keep(t)()
		p, err := ParseProfile([]byte(profile))
		if err != nil {
			p = new(Profile)
		}
		report, err := p.Decode(data)
		if err != nil {
			return
		}
		for path, v := range report {
			if path.Resource == "" {
				t.Errorf("%+v has no resource", path)
			}
			switch v.(type) {
			case nil, string, bool, float64:
			default:
				t.Errorf("%s is a %T", path, v)
			}
		}
		stored, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		var again State
		if err := json.Unmarshal(stored, &again); err != nil || !reflect.DeepEqual(again, report) {
			t.Errorf("stored as %s, read as %v, %v", stored, again, err)
		}
		state := make(State)
		state.Merge(report)
		if changed := state.Merge(report); changed != nil {
			t.Errorf("the same report changed %v", changed)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	for _, tt := range events {
		f.Add([]byte(tt.data))
	}
	for _, s := range odd {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer bounds.Keep(t)()
		e, err := ParseEvent(data)
		if err != nil {
			return
		}
		if e.Device == "" || (e.Kind == Report) != (e.Report != nil) {
			t.Errorf("%+v is incomplete", e)
		}
		if e.Kind == Report {
			if _, err := new(Profile).Decode(e.Report); err != nil {
				t.Errorf("report %s: %v", e.Report, err)
			}
		}
	})
}
