"""The status page: HTML that is whole without JavaScript, made from the status document, a view at a time.

`site` answers requests. The other modules each make what one view shows, as plain values; the templates show them.
"""
