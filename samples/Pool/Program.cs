// Keeps objects of odd sizes off the GC heap: allocate, map, read a part, free, compact.
using PageFold;

using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 64 << 20 });
List<ZsHandle> handles = [];
for (int i = 0; i < 10_000; i++)
{
    ZsHandle handle = pool.Allocate(SizeOf(i));
    using (ZsMap map = pool.Map(handle, MapMode.Write))
        map.Span.Fill((byte)i);
    handles.Add(handle);
}
Show("allocated");

// Objects 1, 3, 5 ... go; those that stay move together and keep their handles.
for (int i = 1; i < handles.Count; i += 2)
    pool.Free(handles[i]);
Show("a half freed");
CompactionResult compaction = pool.Compact();
Show($"after compaction, which moved {compaction.ObjectsMoved}");

byte[] part = new byte[16];
for (int i = 0; i < handles.Count; i += 2)
{
    pool.Read(handles[i], offset: SizeOf(i) - part.Length, part);
    if (part.AsSpan().ContainsAnyExcept((byte)i))
        return Failed($"object {i} has other content");
}

// A stale handle is refused, in release builds too.
try
{
    pool.Free(handles[1]);
    return Failed("an object was freed twice");
}
catch (InvalidHandleException e)
{
    Console.WriteLine($"freeing twice: {e.Message}");
    return 0;
}

static int SizeOf(int i) => 100 + (i * 37 % 3900);

void Show(string moment)
{
    ZsPoolStatistics statistics = pool.GetStatistics();
    Console.WriteLine($"{moment}: {statistics.Objects} objects of {statistics.ObjectBytes:N0} bytes in {statistics.TotalBytes:N0} bytes");
}

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}
