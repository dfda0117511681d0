/* SPDX-License-Identifier: BSD-2-Clause */
/* The page as it is sent. */
    .section .rodata.page, "a"
    .globl page_html, page_html_end
page_html:
    .incbin "page.html"
page_html_end:
