package thinq

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Encode makes the body of one control call. Every path must be writable and
// every value allowed (see [Property.Check]), and all must fit into one call
// (see [Profile.Split]); the error says which is not.
//
// LG takes the form of a state with these differences: a resource that is listed
// by unit or location is one object with "unit" or "locationName" in it, and the
// location of a whole appliance map stands beside its resources.
func (p *Profile) Encode(wish State) ([]byte, error) {
	if len(wish) == 0 {
		return nil, errors.New("nothing to set")
	}
	paths := slices.SortedFunc(maps.Keys(wish), Path.Compare)
	for _, path := range paths {
		property, ok := p.Property(path)
		if !ok {
			return nil, fmt.Errorf("%s: the appliance does not have it", path)
		}
		if err := property.Check(wish[path]); err != nil {
			return nil, err
		}
	}
	if calls := p.Split(wish); len(calls) > 1 {
		return nil, fmt.Errorf("%s do not fit into one call: LG takes one part, location and unit at a time", join(paths))
	}
	body := make(map[string]any)
	for _, path := range paths {
		p.put(body, path, wish[path])
	}
	if part := paths[0].Part; part != "" {
		body = map[string]any{part: body}
	}
	return json.Marshal(body)
}

func join(paths []Path) string {
	words := make([]string, len(paths))
	for i, path := range paths {
		words[i] = path.String()
	}
	return strings.Join(words, ", ")
}

// form is how LG nests a property.
func (p *Profile) form(path Path) form {
	if f, ok := p.forms[path]; ok {
		return f
	}
	return form{name: path.Name}
}

// put writes one value into a body.
func (p *Profile) put(body map[string]any, path Path, v any) {
	f := p.form(path)
	if f.outer != "" {
		body["location"] = map[string]any{"locationName": f.outer}
	}
	resource, ok := body[path.Resource].(map[string]any)
	if !ok {
		resource = make(map[string]any)
		body[path.Resource] = resource
	}
	if f.inner != "" {
		resource["locationName"] = f.inner
	}
	if f.byUnit {
		resource["unit"] = path.Unit
	}
	if f.numeric {
		v, _ = exactNumber(v)
	}
	resource[f.name] = v
}
