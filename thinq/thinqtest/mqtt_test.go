package thinqtest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func certified(t *testing.T, s *thinqtest.Server, certificate string) *tls.Config {
	t.Helper()
	block, rest := pem.Decode([]byte(certificate))
	if block == nil || len(rest) > 0 {
		t.Fatalf("not one PEM block: %q", certificate)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.String() != "CN=AWS IoT Certificate" {
		t.Errorf("subject %q", cert.Subject)
	}
	return &tls.Config{
		RootCAs:      s.Roots(),
		Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: clientKey()}},
	}
}

// subscriber is an MQTT 5 connection to the event broker.
type subscriber struct {
	*paho.Client
	ack      *paho.Connack
	messages chan string
	ended    chan error
}

func subscribe(t *testing.T, network *thinqtest.Network, s *thinqtest.Server, config *tls.Config, id, topic string, sessionExpiry uint32) *subscriber {
	t.Helper()
	sub, err := connect(t.Context(), network, s, config, id, sessionExpiry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sub.Disconnect(&paho.Disconnect{}) })
	if topic == "" {
		return sub
	}
	if _, err := sub.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err != nil {
		t.Fatal(err)
	}
	return sub
}

func connect(ctx context.Context, network *thinqtest.Network, s *thinqtest.Server, config *tls.Config, id string, sessionExpiry uint32) (*subscriber, error) {
	conn, err := dialTLS(ctx, network, s.MQTTAddr, config)
	if err != nil {
		return nil, err
	}
	sub := &subscriber{messages: make(chan string, 1000), ended: make(chan error, 2)}
	sub.Client = paho.NewClient(paho.ClientConfig{
		ClientID: id,
		Conn:     packets.NewThreadSafeConn(conn),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			sub.messages <- string(p.Packet.Payload)
			return true, nil
		}},
		OnServerDisconnect: func(d *paho.Disconnect) { sub.ended <- errDisconnected(d.ReasonCode) },
		OnClientError:      func(err error) { sub.ended <- err },
	})
	receiveMaximum := uint16(64)
	sub.ack, err = sub.Connect(ctx, &paho.Connect{ClientID: id, KeepAlive: 6, CleanStart: sessionExpiry == 0,
		Properties: &paho.ConnectProperties{SessionExpiryInterval: &sessionExpiry, ReceiveMaximum: &receiveMaximum}})
	if err != nil {
		conn.Close()
		if sub.ack != nil {
			err = fmt.Errorf("reason %#x: %w", sub.ack.ReasonCode, err)
		}
		return nil, err
	}
	return sub, nil
}

type errDisconnected byte

func (e errDisconnected) Error() string { return "disconnected by the server" }

// next is the next message, which has to come within ten seconds.
func (s *subscriber) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-s.messages:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("no message within ten seconds")
	}
	return ""
}

// none waits a while for nothing.
func (s *subscriber) none(t *testing.T) {
	t.Helper()
	select {
	case m := <-s.messages:
		t.Fatalf("unexpected message %s", m)
	case <-time.After(10 * time.Second):
	}
}

const (
	wholeDay = `{"expire":{"unit":"HOUR","timer":4464}}`
)

func TestEventDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := newServer(t, thinqtest.Options{Samples: []thinqtest.Sample{sampleAC()}})
		c := newCaller(t, s, network)
		config, topic := c.enrol()
		sub := subscribe(t, network, s, config, c.client, topic, 3600)
		if ack := sub.ack.Properties; *ack.ServerKeepAlive != 30 || *ack.ReceiveMaximum != 100 || *ack.MaximumPacketSize != 149504 || *ack.MaximumQoS != 1 {
			t.Errorf("CONNACK announces keep-alive %d, receive maximum %d, packets of %d, QoS %d",
				*ack.ServerKeepAlive, *ack.ReceiveMaximum, *ack.MaximumPacketSize, *ack.MaximumQoS)
		}

		c.must("POST", "/devices/ac/control", `{"airFlow":{"windStrength":"LOW"}}`)
		sub.none(t) // not subscribed by REST

		c.must("POST", "/event/ac/subscribe", wholeDay)
		start := time.Now()
		c.must("POST", "/devices/ac/control", `{"temperatureInUnits":{"coolTargetTemperature":22,"unit":"C"}}`)
		want := `{"pushType":"DEVICE_STATUS","serviceId":"5e7vice5imulated000000ab","deviceId":"ac","userList":["KR2401010000001"],"report":{` +
			`"temperature":{"currentTemperature":25,"targetTemperature":22,"unit":"C"},` +
			`"temperatureInUnits":[{"currentTemperature":25,"targetTemperature":22,"unit":"C"},{"currentTemperature":77,"targetTemperature":72,"unit":"F"}]},` +
			`"deviceType":"DEVICE_AIR_CONDITIONER"}`
		if got := sub.next(t); got != want {
			t.Errorf("report\n got %s\nwant %s", got, want)
		}
		if took := time.Since(start); took < reportDelay || took > 2*reportDelay {
			t.Errorf("the report came after %v", took)
		}

		s.Push("ac", "WATER_IS_FULL")
		sub.none(t)
		c.must("POST", "/push/ac/subscribe", "")
		s.Push("ac", "WATER_IS_FULL")
		want = `{"pushType":"DEVICE_PUSH","serviceId":"5e7vice5imulated000000ab","deviceId":"ac","userList":["KR2401010000001"],` +
			`"pushCode":"WATER_IS_FULL","deviceType":"DEVICE_AIR_CONDITIONER"}`
		if got := sub.next(t); got != want {
			t.Errorf("push\n got %s\nwant %s", got, want)
		}

		s.Advance(4464 * time.Hour)
		s.Patch("ac", []byte(`{"airFlow":{"windStrength":"HIGH"}}`))
		sub.none(t)
	})
}
