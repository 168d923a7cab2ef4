package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ParseSet reads the payload of <slug>/set, a JSON object, into attributes for
// [Device.Wish]: texts as a bare topic would carry them. The transaction, if
// there is one, is kept apart. The error is for the one who sent it.
func ParseSet(payload []byte) (attrs map[string]string, transaction json.RawMessage, err error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil || object == nil {
		return nil, nil, errors.New("a JSON object of attributes is expected")
	}
	transaction = object["transaction"]
	delete(object, "transaction")
	if len(object) == 0 {
		return nil, transaction, errors.New("no attribute is given")
	}
	attrs = map[string]string{}
	for name, value := range object {
		text, err := bareText(value)
		if err != nil {
			return nil, transaction, fmt.Errorf("%.64q: %w", name, err)
		}
		attrs[name] = text
	}
	return attrs, transaction, nil
}

// bareText is a JSON value as the text that a bare topic would carry.
func bareText(value json.RawMessage) (string, error) {
	switch value[0] {
	case 'n':
		return "", errors.New("null is no value that can be set")
	case '"':
		var s string
		err := json.Unmarshal(value, &s)
		return s, err
	case '{', '[':
		var compact bytes.Buffer
		err := json.Compact(&compact, value)
		return compact.String(), err
	}
	return string(value), nil
}
