{{/*
How messages show a character that cannot be seen, as a map in CEL: the table of controller/core/contract.py, and a test
holds them together. The backslash is in it, so that what is shown can be read in one way only.
*/}}
{{- define "aws-pod-eip-controller.escapes" -}}
{{- $unseen := list (list 0x00 0x1f) (list 0x7f 0xa0) (list 0xad 0xad) (list 0x34f 0x34f) (list 0x61c 0x61c) }}
{{- $unseen = concat $unseen (list (list 0x115f 0x1160) (list 0x1680 0x1680) (list 0x17b4 0x17b5) (list 0x180b 0x180f)) }}
{{- $unseen = concat $unseen (list (list 0x2000 0x200f) (list 0x2028 0x202f) (list 0x205f 0x206f) (list 0x2800 0x2800)) }}
{{- $unseen = concat $unseen (list (list 0x3000 0x3000) (list 0x3164 0x3164) (list 0xfe00 0xfe0f) (list 0xfeff 0xfeff)) }}
{{- $unseen = concat $unseen (list (list 0xffa0 0xffa0) (list 0xfff9 0xfffb) (list 0xe0000 0xe007f)) }}
{{- $escapes := dict "\\\\" "\\\\\\\\" }}
{{- range $unseen }}
{{- range untilStep (index . 0 | int) (add (index . 1) 1 | int) 1 }}
{{- if lt . 0x10000 }}
{{- $_ := set $escapes (printf "\\u%04x" .) (printf "\\\\u%04x" .) }}
{{- else }}
{{- $_ := set $escapes (printf "\\U%08x" .) (printf "\\\\U%08x" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- $_ := set $escapes "\\u0009" "\\\\t" }}
{{- $_ := set $escapes "\\u000a" "\\\\n" }}
{{- $_ := set $escapes "\\u000d" "\\\\r" }}
{{- $entries := list }}
{{- range $character, $shown := $escapes }}
{{- $entries = append $entries (printf "'%s': '%s'" $character $shown) }}
{{- end -}}
{ {{- join ", " $entries -}} }
{{- end }}
