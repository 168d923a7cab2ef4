package thinqtest

import (
	"encoding/pem"
	"maps"
	"math"
	"slices"
	"time"
)

// A client is one installation of somebody's software, by its x-client-id, or a
// partner's service for a user; and what it asked to be told.
type client struct {
	registered bool
	push       map[string]bool      // by device
	events     map[string]time.Time // by device: until when
	ended      map[string]time.Time // by device: when its events ended, unless they were renewed before
	lapse      time.Duration        // longest time for which events had ended
	lifecycle  bool
}

// client finds or makes the record of a client; mu is held.
func (s *Server) client(id string) *client {
	if s.clients[id] == nil {
		s.clients[id] = &client{push: map[string]bool{}, events: map[string]time.Time{}, ended: map[string]time.Time{}}
	}
	return s.clients[id]
}

// registration is what every body about a client must say.
var registration = map[string]string{"type": "MQTT", "service-code": "SVC202", "device-type": "607"}

func checkMembers(body map[string]any, want map[string]string, names ...string) error {
	for _, name := range names {
		switch v, present := body[name]; {
		case !present:
			return refuse("1101", "Missing parameters: "+name)
		case v != want[name]:
			return refuse("1102", "Unacceptable parameters: "+name)
		}
	}
	return nil
}

// registrationBody is what a client says of itself, whole.
func registrationBody(r *request) (map[string]any, error) {
	body, err := r.object()
	if err != nil {
		return nil, err
	}
	return body, checkMembers(body, registration, "type", "service-code", "device-type")
}

func (s *Server) postClient(r *request) (any, error) {
	body, err := registrationBody(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(r.client)
	if c.registered && body["allowExist"] != true {
		return nil, refuse("1000", "Already registered client")
	}
	c.registered = true
	return nil, nil
}

// deleteClient takes everything that the client had with it; whether LG does
// so, too, is not known.
func (s *Server) deleteClient(r *request) (any, error) {
	if _, err := registrationBody(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	known := s.clients[r.client] != nil && s.clients[r.client].registered
	delete(s.clients, r.client)
	s.mu.Unlock()
	if !known {
		return nil, refuse("1000", "Not registered client")
	}
	s.Revoke(r.client)
	return nil, nil
}

// Revoke makes the event broker refuse every certificate that a client has, and
// ends its connection.
func (s *Server) Revoke(client string) {
	s.mu.Lock()
	maps.DeleteFunc(s.owners, func(_, owner string) bool { return owner == client })
	s.mu.Unlock()
	s.broker.revoke(client)
}

func (s *Server) postCertificate(r *request) (any, error) {
	body, err := r.object()
	if err != nil {
		return nil, err
	}
	if err := checkMembers(body, registration, "service-code"); err != nil {
		return nil, err
	}
	csr, ok := body["csr"].(string)
	if !ok {
		return nil, refuse("1101", "Missing parameters: csr")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[r.client]; c == nil || !c.registered {
		return nil, refuse("1000", "Not registered client")
	}
	now, until := s.clock.Now(), clientEnd
	if s.o.CertificateLife > 0 {
		until = now.Add(s.o.CertificateLife)
	}
	cert, err := s.ca.sign(csr, now, until)
	if err != nil {
		return nil, refuse("1102", "Unacceptable parameters: csr: "+err.Error())
	}
	s.owners[cert.SerialNumber.String()] = r.client
	s.cure("", CureCertificate)
	return success(map[string]any{
		"certificatePem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
		"subscriptions":  []string{topicOf(r.client)},
	}), nil
}

// success is the inner envelope of LG's certificate and energy services.
func success(result any) any {
	return map[string]any{"resultCode": "0000", "result": result}
}

// owner is the client that a certificate was made for, "" after revocation.
func (s *Server) owner(serial string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[serial]
}

// deviceIDs lists devices as LG's subscription lists do.
func deviceIDs[V any](m map[string]V) []map[string]string {
	list := []map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(m)) {
		list = append(list, map[string]string{"deviceId": id})
	}
	return list
}

func (s *Server) getPush(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return deviceIDs(s.client(r.client).push), nil
}

func (s *Server) subscribePush(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	push := s.client(r.client).push
	if push[r.device.id] {
		return nil, refuse("1207", "Already subscribed push")
	}
	push[r.device.id] = true
	return nil, nil
}

func (s *Server) unsubscribePush(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	push := s.client(r.client).push
	if !push[r.device.id] {
		return nil, refuse("1206", "Not subscribed push")
	}
	delete(push, r.device.id)
	return nil, nil
}

func (s *Server) getLifecycle(*request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(s.clients)) {
		if s.clients[id].lifecycle && id != s.partner() {
			list = append(list, map[string]string{"clientId": id})
		}
	}
	return list, nil
}

func (s *Server) subscribeLifecycle(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(r.client)
	if c.lifecycle {
		return nil, refuse("4001", "Already Subscirbed Home Push") // LG's spelling
	}
	c.lifecycle = true
	return nil, nil
}

func (s *Server) unsubscribeLifecycle(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(r.client)
	if !c.lifecycle {
		return nil, refuse("1206", "Not subscribed push")
	}
	c.lifecycle = false
	return nil, nil
}

// getEvent lists only what has not run out. LG never tells how long is left.
func (s *Server) getEvent(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return deviceIDs(s.running(s.client(r.client))), nil
}

// running forgets what has run out; mu is held.
func (s *Server) running(c *client) map[string]time.Time {
	now := s.clock.Now()
	maps.DeleteFunc(c.events, func(id string, until time.Time) bool {
		over := !now.Before(until)
		if over {
			c.ended[id] = until
		}
		return over
	})
	return c.events
}

func (s *Server) subscribeEvent(r *request) (any, error) {
	body, err := r.object()
	if err != nil {
		return nil, err
	}
	hours, err := expiry(body, r.surface.hours)
	if err != nil {
		return nil, err
	}
	if s.o.ClampEvents {
		hours = min(hours, 24)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.device.reportable() {
		return nil, refuse("1214", "Not subscribable device")
	}
	life := time.Duration(hours) * time.Hour
	if s.o.EventLife > 0 {
		life = s.o.EventLife
	}
	c, now := s.client(r.client), s.clock.Now()
	s.running(c)
	if ended, ok := c.ended[r.device.id]; ok {
		c.lapse = max(c.lapse, now.Sub(ended))
		delete(c.ended, r.device.id)
	}
	c.events[r.device.id] = now.Add(life)
	s.cure(r.device.id, CureSubscribe)
	return nil, nil
}

// LongestLapse is the longest time for which an event subscription had ended
// before it was asked for again.
func (s *Server) LongestLapse() (longest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		s.running(c)
		longest = max(longest, c.lapse)
		for _, ended := range c.ended {
			longest = max(longest, s.clock.Now().Sub(ended))
		}
	}
	return longest
}

// expiry reads {"expire":{"unit":"HOUR","timer":24}}; without a body it is one
// hour. LG documents 1 to 24, and on the personal surface takes 4464, which its
// own library sends.
func expiry(body map[string]any, most int) (hours int, err error) {
	value, present := body["expire"]
	if !present {
		return 1, nil
	}
	expire, _ := value.(map[string]any)
	timer, isNumber := expire["timer"].(float64)
	if expire["unit"] != "HOUR" || !isNumber || timer != math.Trunc(timer) || timer < 1 || timer > float64(most) {
		return 0, refuse("1102", "Unacceptable parameters: expire")
	}
	return int(timer), nil
}

func (s *Server) unsubscribeEvent(r *request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.running(s.client(r.client))
	if _, subscribed := events[r.device.id]; !subscribed {
		return nil, refuse("1204", "Not subscribed event")
	}
	delete(events, r.device.id)
	return nil, nil
}
