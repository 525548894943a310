/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: what happens to each buffer, for those who trace it. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvmflip

#if !defined(_KVMFLIP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KVMFLIP_TRACE_H

#include <linux/tracepoint.h>

#include "buffer.h"

TRACE_EVENT(kvmflip_buffer,
	    TP_PROTO(const struct kvmflip_buffers *table, const struct kvmflip_buffer *buf,
		     enum kvmflip_state from, enum kvmflip_state to),
	    TP_ARGS(table, buf, from, to),
	    TP_STRUCT__entry(__string(pool, table->name)
			     __string(from, kvmflip_state_names[from])
			     __string(to, kvmflip_state_names[to])
			     __field(u32, buffer)),
	    TP_fast_assign(__assign_str(pool);
			   __assign_str(from);
			   __assign_str(to);
			   __entry->buffer = kvmflip_buffer_index(table, buf);),
	    TP_printk("pool=%s buffer=%u from=%s to=%s", __get_str(pool), __entry->buffer,
		      __get_str(from), __get_str(to))
);

TRACE_EVENT(kvmflip_clean,
	    TP_PROTO(const struct kvmflip_buffers *table, const struct kvmflip_buffer *buf,
		     const char *port, u32 frames, u64 zeroed),
	    TP_ARGS(table, buf, port, frames, zeroed),
	    TP_STRUCT__entry(__string(pool, table->name)
			     __string(port, port)
			     __field(u32, buffer)
			     __field(u32, frames)
			     __field(u64, zeroed)),
	    TP_fast_assign(__assign_str(pool);
			   __assign_str(port);
			   __entry->buffer = kvmflip_buffer_index(table, buf);
			   __entry->frames = frames;
			   __entry->zeroed = zeroed;),
	    TP_printk("pool=%s buffer=%u port=%s frames=%u zeroed=%llu", __get_str(pool),
		      __entry->buffer, __get_str(port), __entry->frames, __entry->zeroed)
);

#endif /* _KVMFLIP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
