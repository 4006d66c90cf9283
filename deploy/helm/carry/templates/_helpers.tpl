{{- define "carry.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "carry.names" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- /* What the StatefulSet, its Service and its budget select by. */ -}}
{{- define "carry.selector" -}}
{{ include "carry.names" . }}
app.kubernetes.io/component: mirror
{{- end -}}

{{- define "carry.labels" -}}
{{ include "carry.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- define "carry.image" -}}
{{- $repository := required "image.repository is required: where you have pushed the image that deploy/Dockerfile makes" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "carry.replicas" -}}
{{- if kindIs "invalid" .Values.replicas -}}
{{- ternary 1 2 (eq .Values.mode "standalone") -}}
{{- else -}}
{{- int .Values.replicas -}}
{{- end -}}
{{- end -}}

{{- define "carry.rules" -}}
{{- default (printf "%s-rules" (include "carry.fullname" .)) .Values.rules.existingConfigMap -}}
{{- end -}}

{{- /* One side's flags: dict "flag" "name" "values". */ -}}
{{- define "carry.sideArgs" -}}
{{- if not .values.endpoints -}}
{{- fail (printf "%s.endpoints is required: where the %s's etcd listens, as in https://10.0.0.1:2379" .name .name) -}}
{{- end -}}
- --{{ .flag }}-endpoints={{ join "," .values.endpoints }}
{{- if .values.tls.enabled }}
- --{{ .flag }}-cacert=/etc/carry/{{ .name }}/ca.crt
- --{{ .flag }}-cert=/etc/carry/{{ .name }}/tls.crt
- --{{ .flag }}-key=/etc/carry/{{ .name }}/tls.key
{{- end }}
{{- if .values.auth.user }}
- --{{ .flag }}-user={{ .values.auth.user }}
- --{{ .flag }}-password-file=/etc/carry/{{ .name }}-auth/password
{{- end }}
{{- end -}}

{{- define "carry.sides" -}}
{{ include "carry.sideArgs" (dict "flag" "master" "name" "source" "values" .Values.source) }}
{{ include "carry.sideArgs" (dict "flag" "slave" "name" "destination" "values" .Values.destination) }}
{{- end -}}

{{- /* What `run` and the test have in common. */ -}}
{{- define "carry.rulesArgs" -}}
- --mirror-rule=/etc/mirror/rules.yaml
- --kube-prefix={{ .Values.source.kubePrefix }}
{{- with .Values.destination.kubePrefix }}
- --dest-kube-prefix={{ . }}
{{- end }}
{{- if .Values.encryption.existingSecret }}
- --encryption-provider-config=/etc/mirror/secrets-encryption.yaml
{{- end }}
{{- if eq .Values.encryption.destination "none" }}
- --dest-encryption-provider-config=none
{{- else if ne .Values.encryption.destination "same" }}
{{- if not .Values.encryption.existingSecret }}
{{- fail "encryption.destination names a key of a Secret: give encryption.existingSecret too" }}
{{- end }}
- --dest-encryption-provider-config=/etc/mirror/{{ .Values.encryption.destination }}
{{- end }}
{{- end -}}

{{- /* All flags of `run` that values say; they become variables. */ -}}
{{- define "carry.settings" -}}
{{- if ge (int64 (include "carry.bytes" .Values.spoolLimit)) (int64 (include "carry.bytes" .Values.persistence.size)) }}
{{- fail (printf "spoolLimit %s does not fit into persistence.size %s" .Values.spoolLimit .Values.persistence.size) }}
{{- end }}
- --name={{ .Values.mirrorName }}
- --mode={{ .Values.mode }}
- --standby={{ .Values.standby }}
- --max-lag={{ .Values.maxLag }}
- --db-path=/var/lib/mirror/db
- --spool-limit={{ .Values.spoolLimit }}
- {{ printf "--bind-address=%s" .Values.bindAddress | quote }}
- --bind-port=10520
{{- if .Values.prune }}
- --prune=true
{{- end }}
{{- if .Values.debug }}
- --debug=true
{{- end }}
{{ include "carry.rulesArgs" . }}
{{ include "carry.sides" . }}
{{- end -}}

{{- /* A quantity such as 4Gi as a number. */ -}}
{{- define "carry.bytes" -}}
{{- $units := dict "" 1 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- mul (regexFind "^[0-9]+" . | int64) (get $units (regexFind "[A-Za-z]*$" .) | int64) -}}
{{- end -}}

{{- define "carry.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "carry.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end -}}

{{- define "carry.mounts" -}}
- name: configuration
  mountPath: /etc/mirror
  readOnly: true
{{- range $name, $side := dict "source" .Values.source "destination" .Values.destination }}
{{- if $side.tls.enabled }}
- name: {{ $name }}-tls
  mountPath: /etc/carry/{{ $name }}
  readOnly: true
{{- end }}
{{- if $side.auth.user }}
- name: {{ $name }}-auth
  mountPath: /etc/carry/{{ $name }}-auth
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{- /* The modes are 0440. */ -}}
{{- define "carry.volumes" -}}
- name: configuration
  projected:
    defaultMode: 288
    sources:
      - configMap:
          name: {{ include "carry.rules" . }}
      {{- with .Values.encryption.existingSecret }}
      - secret:
          name: {{ . }}
      {{- end }}
{{- range $name, $side := dict "source" .Values.source "destination" .Values.destination }}
{{- if $side.tls.enabled }}
- name: {{ $name }}-tls
  secret:
    secretName: {{ required (printf "%s.tls.existingSecret is required: a Secret with ca.crt, tls.crt and tls.key" $name) $side.tls.existingSecret }}
    defaultMode: 288
{{- end }}
{{- if $side.auth.user }}
- name: {{ $name }}-auth
  secret:
    secretName: {{ required (printf "%s.auth.existingSecret is required where there is a user: a Secret with password" $name) $side.auth.existingSecret }}
    defaultMode: 288
{{- end }}
{{- end }}
{{- end -}}

{{- /* The ports that etcd is reached through, by commas. */ -}}
{{- define "carry.etcdPorts" -}}
{{- $ports := .Values.networkPolicy.etcdPorts -}}
{{- if not $ports -}}
{{- range concat .Values.source.endpoints .Values.destination.endpoints -}}
{{- $ports = append $ports (regexFind "[0-9]+$" .) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | join "," -}}
{{- end -}}
