package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

const (
	envPrefix = "THINQ2MQTT_"
	envConfig = "THINQ2MQTT_CONFIG"
	// envLevel separates levels in names of variables: THINQ2MQTT_MQTT__URL.
	envLevel = "__"
	// level separates them inside koanf, where a dot may be part of a device id.
	level = "\x00"
)

// searched are the places of the configuration file when none is named.
func searched() []string { return []string{"/etc/thinq2mqtt/config.yaml", "config.yaml"} }

// origins says where each key was set: "config.yaml:3", or a variable's name.
type origins map[string]string

// of is where key was set, else where the section is that should hold it, else
// the file itself (empty if there is none).
func (o origins) of(key string) string {
	for {
		if where, ok := o[key]; ok {
			return where
		}
		if key == "" {
			return ""
		}
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
}

// fileOf is the file that key was set in; empty if it was set elsewhere, or not
// at all.
func (o origins) fileOf(key string) string {
	if file := o[""]; file != "" && strings.HasPrefix(o[key], file+":") {
		return file
	}
	return ""
}

// A complaint is one thing wrong with the configuration, and what to do.
type complaint struct {
	where string
	key   string
	text  string
}

// Error is "config.yaml:3: mqtt.url: what is wrong: what to do".
func (c *complaint) Error() string {
	var b strings.Builder
	for _, part := range []string{c.where, c.key} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	return b.String() + c.text
}

// A source says where the configuration is to be had.
type source struct {
	path    string   // of the file; empty: THINQ2MQTT_CONFIG, then the usual places
	environ []string // as of [os.Environ]
}

// variable looks a variable up.
func (s source) variable(name string) string {
	value := ""
	for _, v := range s.environ {
		if after, ok := strings.CutPrefix(v, name+"="); ok {
			value = after
		}
	}
	return value
}

// load reads file and environment over the defaults. Its errors are complaints,
// joined. What the values mean is not looked at: see [Config.Validate].
func (s source) load() (*Config, error) {
	path, data, err := s.read()
	if err != nil {
		return nil, err
	}
	c := &checker{at: origins{"": path}}
	c.file(path, data)
	k := koanf.New(level)
	if len(c.wrong) == 0 {
		if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
			c.wrong = append(c.wrong, &complaint{where: path, text: err.Error()})
		}
	}
	if err := k.Load(s.variables(c), nil); err != nil {
		c.wrong = append(c.wrong, &complaint{text: err.Error()})
	}
	if len(c.wrong) > 0 {
		return nil, errors.Join(c.wrong...)
	}
	cfg, err := decode(k)
	if err != nil {
		return nil, &complaint{where: path, text: err.Error()}
	}
	cfg.at = c.at
	cfg.credentials = s.variable("CREDENTIALS_DIRECTORY")
	cfg.splitURL()
	return cfg, nil
}

// read finds the file. None at all is fine unless one was named.
func (s source) read() (path string, data []byte, err error) {
	named := s.path
	if named == "" {
		named = s.variable(envConfig)
	}
	if named != "" {
		data, err := os.ReadFile(named)
		if err != nil {
			return "", nil, &complaint{where: named, text: unreadable(err).Error()}
		}
		return named, data, nil
	}
	for _, path := range searched() {
		data, err := os.ReadFile(path)
		switch {
		case err == nil:
			return path, data, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", nil, &complaint{where: path, text: unreadable(err).Error()}
		}
	}
	return "", nil, nil
}

// variables is the layer of the environment, checked on the way.
func (s source) variables(c *checker) koanf.Provider {
	return env.Provider(level, env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return s.environ },
		TransformFunc: func(name, value string) (string, any) {
			if name == envConfig {
				return "", nil
			}
			path := strings.Split(strings.ToLower(strings.TrimPrefix(name, envPrefix)), envLevel)
			v, ok := c.variable(name, path, value)
			if !ok {
				return "", nil
			}
			return strings.Join(path, level), v
		},
	})
}

// decode puts the layers over the defaults. A section that is empty in the file
// must not wipe them, so they are not a layer themselves.
func decode(k *koanf.Koanf) (*Config, error) {
	cfg := defaults()
	cfg.ThinQ.Events = ""
	if err := unmarshal(k, "", &cfg); err != nil {
		return nil, err
	}
	cfg.ThinQ.settle()
	for label := range cfg.Accounts {
		a := defaultAccount()
		a.Events = ""
		if err := unmarshal(k, "accounts"+level+label, &a); err != nil {
			return nil, err
		}
		a.settle()
		cfg.Accounts[label] = a
	}
	return &cfg, nil
}

func unmarshal(k *koanf.Koanf, path string, into any) error {
	return k.UnmarshalWithConf(path, into, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result:      into,
		TagName:     "koanf",
		ErrorUnused: true,
		DecodeHook:  mapstructure.StringToTimeDurationHookFunc(),
	}})
}
