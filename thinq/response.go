package thinq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// document makes a call whose response is handed on as it is. An answer without
// one is none of LG's: {} tells something of an appliance, nothing does not.
func (c *Client) document(ctx context.Context, r request) (json.RawMessage, error) {
	response, err := c.do(ctx, r)
	if err == nil && response == nil {
		return nil, c.unreadable(r.op, errors.New("no response"))
	}
	return response, err
}

// ask makes a call and decodes its response; v stays as it is if there is none.
func (c *Client) ask(ctx context.Context, r request, v any) error {
	response, err := c.do(ctx, r)
	if err != nil || response == nil {
		return err
	}
	if err := json.Unmarshal(response, v); err != nil {
		return c.unreadable(r.op, err)
	}
	return nil
}

// settled makes a call for which "was so already" is success.
func (c *Client) settled(ctx context.Context, r request) error {
	_, err := c.do(ctx, r)
	if ClassOf(err) == Done {
		return nil
	}
	return err
}

// wrapped sends a body as the SDK does and, if LG does not accept it, inside of
// {"body":…}, as LG's newer examples show it.
func (c *Client) wrapped(ctx context.Context, op operation, body map[string]any) (json.RawMessage, error) {
	flat, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	response, err := c.do(ctx, request{op: op, body: flat})
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "1101" && e.Code != "1102" {
		return response, err
	}
	return c.do(ctx, request{op: op, body: fmt.Appendf(nil, `{"body":%s}`, flat)})
}

// result decodes what LG puts one level deeper, beside a code of success; some
// answers lack that level.
func (c *Client) result(op operation, response json.RawMessage, v any) error {
	var answer struct {
		ResultCode lgCode          `json:"resultCode"`
		Result     json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(response, &answer); err != nil {
		return c.unreadable(op, err)
	}
	if answer.ResultCode != "" && answer.ResultCode != "0000" {
		return &Error{Endpoint: c.surface.endpoints[op].String(), Status: 200, Code: string(answer.ResultCode)}
	}
	if answer.Result != nil {
		response = answer.Result
	}
	if err := json.Unmarshal(response, v); err != nil {
		return c.unreadable(op, err)
	}
	return nil
}

// ids lists devices from objects with a deviceId or from bare ids.
func (c *Client) ids(ctx context.Context, op operation) ([]string, error) {
	response, err := c.do(ctx, request{op: op})
	if err != nil {
		return nil, err
	}
	found, err := entries[idEntry](response, "devices")
	if err != nil {
		return nil, c.unreadable(op, err)
	}
	ids := make([]string, 0, len(found))
	for _, e := range found {
		if e.DeviceID != "" {
			ids = append(ids, e.DeviceID)
		}
	}
	return ids, nil
}

type idEntry struct{ DeviceID string }

// UnmarshalJSON takes {"deviceId":"…"} and "…".
func (e *idEntry) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &e.DeviceID) == nil {
		return nil
	}
	type object idEntry
	return json.Unmarshal(data, (*object)(e))
}

// entries decodes an array, bare or as the member of an object; nothing and null
// are an empty one. What makes no sense in an entry stays empty.
func entries[T any](response json.RawMessage, member string) ([]T, error) {
	if response == nil {
		return nil, nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(response, &raw); err != nil {
		var object map[string]json.RawMessage
		if json.Unmarshal(response, &object) != nil || object[member] == nil && len(object) > 0 {
			return nil, err
		}
		if object[member] != nil {
			if err := json.Unmarshal(object[member], &raw); err != nil {
				return nil, err
			}
		}
	}
	all := make([]T, 0, len(raw))
	for _, r := range raw {
		var e T
		_ = json.Unmarshal(r, &e) // a member of another type stays empty, the others are read
		all = append(all, e)
	}
	return all, nil
}

// unreadable is the error of a response that has not the documented form.
func (c *Client) unreadable(op operation, err error) error {
	return &Error{Endpoint: c.surface.endpoints[op].String(), Status: 200, Message: clip("unexpected form: " + err.Error())}
}
