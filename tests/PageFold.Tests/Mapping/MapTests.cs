using PageFold.Mapping;

namespace PageFold.Tests.Mapping;

/// <summary>Mappings: exclusive buffers, nesting, ends that count once, and objects that stay while they are looked at.</summary>
public abstract class MapTests
{
    private readonly MappingKind _mapping;

    protected MapTests(MappingKind mapping)
    {
        WindowTests.SkipUnlessPossible(mapping);
        _mapping = mapping;
    }

    public static TheoryData<bool> Neighbours() => [true, false];

    [Theory]
    [MemberData(nameof(Neighbours))]
    public void What_is_written_through_a_map_is_there_for_the_next(bool neighbours)
    {
        using ZsPool pool = Make(neighbours);
        foreach (ZsHandle handle in Straddling(pool))
        {
            using (ZsMap map = pool.Map(handle, MapMode.Write))
                Pages.Fill(map.Span, 1);
            using (ZsMap map = pool.Map(handle, MapMode.ReadWrite))
            {
                Assert.True(Pages.Holds(map.Span, 1));
                map.Span[^1] ^= 0xFF;
                map.Span[0] ^= 0xFF;
            }
            byte[] copy;
            using (ZsReadMap last = pool.MapRead(handle))
                copy = last.Span.ToArray();
            copy[^1] ^= 0xFF;
            copy[0] ^= 0xFF;
            Assert.True(Pages.Holds(copy, 1));
        }
    }

    [Theory]
    [MemberData(nameof(Neighbours))]
    public void A_map_for_writing_starts_as_zeros_however_the_object_lies(bool neighbours)
    {
        using ZsPool pool = Make(neighbours);
        foreach (ZsHandle handle in Straddling(pool))
        {
            using (ZsMap map = pool.Map(handle, MapMode.Write))
                map.Span.Fill(0xAA);
            using ZsMap again = pool.Map(handle, MapMode.Write);
            Assert.True(again.Span.IndexOfAnyExcept((byte)0) < 0);
        }
    }

    [Fact]
    public void Some_objects_straddle_and_some_do_not()
    {
        using ZsPool pool = Make(neighbours: false);
        int straddling = 0;
        int contiguous = 0;
        foreach (ZsHandle handle in Straddling(pool))
        {
            using ZsReadView view = pool.ViewRead(handle);
            _ = view.Second.IsEmpty ? contiguous++ : straddling++;
        }
        Assert.True(straddling > 10 && contiguous > 10, $"{straddling} straddle, {contiguous} do not");
    }

    [Fact]
    public void A_view_for_writing_has_all_bytes_of_its_object()
    {
        using ZsPool pool = Make(neighbours: false);
        byte[] read = new byte[4096];
        ulong key = 0;
        foreach (ZsHandle handle in Straddling(pool))
        {
            byte[] content;
            using (ZsView view = pool.View(handle))
            {
                content = new byte[view.Length];
                Pages.Fill(content, ++key);
                content.AsSpan(0, view.First.Length).CopyTo(view.First);
                content.AsSpan(view.First.Length).CopyTo(view.Second);
            }
            pool.Read(handle, 0, read.AsSpan(0, content.Length));
            Assert.True(read.AsSpan(0, content.Length).SequenceEqual(content));
            Assert.ThrowsAny<ArgumentException>(() => pool.Read(handle, 0, read.AsSpan(0, content.Length + 1)));
        }
    }

    [Fact]
    public void Neighbouring_frames_make_objects_contiguous_when_they_happen_to_be_free()
    {
        using ZsPool pool = Make(neighbours: true);
        int straddling = 0;
        foreach (ZsHandle handle in Straddling(pool))
        {
            using ZsReadView view = pool.ViewRead(handle);
            straddling += view.Second.IsEmpty ? 0 : 1;
        }
        Assert.Equal(0, straddling);
    }

    [Fact]
    public void Freeing_a_mapped_object_is_refused_and_leaves_it_as_it_is()
    {
        using ZsPool pool = Make(neighbours: false);
        foreach (ZsHandle handle in Straddling(pool))
        {
            using (ZsMap map = pool.Map(handle, MapMode.Write))
            {
                Pages.Fill(map.Span, 4);
                Assert.Throws<ObjectMappedException>(() => pool.Free(handle));
            }
            using (ZsReadView view = pool.ViewRead(handle))
                Assert.Throws<ObjectMappedException>(() => pool.Free(handle));
            using (ZsReadMap map = pool.MapRead(handle))
                Assert.True(Pages.Holds(map.Span, 4));
            pool.Free(handle);
        }
    }

    [Fact]
    public void Disposing_twice_or_a_copy_harms_nobody()
    {
        using ZsPool pool = Make(neighbours: false);
        ZsHandle first = Straddling(pool)[0];
        ZsHandle second = pool.Allocate(3000);
        ZsMap map = pool.Map(first, MapMode.Write);
        ZsMap copy = map;
        map.Dispose();
        using ZsMap other = pool.Map(second, MapMode.Write);
        map.Dispose();
        copy.Dispose();
        copy.Dispose();
        // The other mapping, which may have taken over the entry, is still open.
        Assert.Throws<ObjectMappedException>(() => pool.Free(second));
        pool.Free(first);
        default(ZsMap).Dispose();
        default(ZsView).Dispose();
    }

    [Fact]
    public void Maps_nest_and_end_in_any_order()
    {
        using ZsPool pool = Make(neighbours: false);
        ZsHandle[] handles = Straddling(pool);
        Nest(pool, handles, 0);
        foreach (ZsHandle handle in handles)
            pool.Free(handle);
        long entries = pool.GetStatistics().TableBytes;
        Assert.True(entries < 1 << 20, $"{entries} bytes are still held for mappings");

        static void Nest(ZsPool pool, ZsHandle[] handles, int depth)
        {
            if (depth == handles.Length)
                return;
            ZsMap map = pool.Map(handles[depth], MapMode.Write);
            Pages.Fill(map.Span, (ulong)depth);
            Nest(pool, handles, depth + 1);
            Assert.True(Pages.Holds(map.Span, (ulong)depth));
            map.Dispose();
        }
    }

    [Fact]
    public void One_object_can_be_mapped_as_often_as_is_documented_and_no_more()
    {
        using ZsPool pool = Make(neighbours: true);
        ZsHandle handle = pool.Allocate(100);
        Assert.Contains($"{ZsPool.MaxMappings}", Nest(pool, handle).Message, StringComparison.Ordinal);
        Assert.Throws<ObjectMappedException>(() => FreeDeep(pool, handle, ZsPool.MaxMappings));
        pool.Free(handle);

        static void FreeDeep(ZsPool pool, ZsHandle handle, int maps)
        {
            if (maps == 0)
            {
                // The other members find a place all the same.
                Assert.Equal(100, pool.SizeOf(handle));
                pool.Write(handle, 0, [1]);
                pool.Read(handle, 0, new byte[100]);
                pool.Free(handle);
                return;
            }
            using ZsReadMap map = pool.MapRead(handle);
            FreeDeep(pool, handle, maps - 1);
        }

        static Exception Nest(ZsPool pool, ZsHandle handle)
        {
            try
            {
                using ZsReadMap map = pool.MapRead(handle);
                return Nest(pool, handle);
            }
            catch (InvalidOperationException e)
            {
                return e;
            }
        }
    }

    [Fact]
    public void A_mapped_object_does_not_move_while_everything_around_it_does()
    {
        using ZsPool pool = Make(neighbours: false);
        ZsHandle[] handles = Straddling(pool);
        int middle = handles.Length / 2;
        using (ZsMap map = pool.Map(handles[middle], MapMode.ReadWrite))
        using (ZsView view = pool.View(handles[middle + 1]))
        {
            Pages.Fill(map.Span, 8);
            Pages.Fill(view.First, 9);
            for (int i = 0; i < handles.Length; i++)
            {
                if (i != middle && i != middle + 1 && i % 3 != 0)
                    pool.Free(handles[i]);
            }
            pool.Compact();
            Assert.True(pool.GetStatistics().BytesMoved > 0);
            Assert.True(Pages.Holds(map.Span, 8));
            Assert.True(Pages.Holds(view.First, 9));
        }
        using ZsReadMap after = pool.MapRead(handles[middle]);
        Assert.True(Pages.Holds(after.Span, 8));
    }

    [Theory]
    [InlineData((MapMode)2)]
    [InlineData((MapMode)4)]
    [InlineData((MapMode)(-1))]
    public void Refuses_a_mode_that_does_not_exist(MapMode mode)
    {
        using ZsPool pool = Make(neighbours: true);
        ZsHandle handle = pool.Allocate(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => { pool.Map(handle, mode); });
        pool.Free(handle);
    }

    [Fact]
    public void A_pool_disposed_under_a_map_keeps_its_memory_until_the_map_ends()
    {
        ZsPool pool = Make(neighbours: false);
        ZsHandle handle = Straddling(pool)[1];
        ZsMap map = pool.Map(handle, MapMode.Write);
        ZsMap copy = map;
        pool.Dispose();
        Pages.Fill(map.Span, 6);
        Assert.True(Pages.Holds(map.Span, 6));
        Assert.Throws<ObjectDisposedException>(() => pool.Free(handle));
        Assert.True(pool.Budget.Used > 8192);
        map.Dispose();
        Assert.True(pool.Budget.Used <= 3000, "the last mapping did not free the pool");
        copy.Dispose();
    }

    [Fact]
    public void Views_copy_parts_in_and_out_wherever_they_are_cut() =>
        Gen.Select(Gen.Int[1, 200], Gen.Int[0, 200], Gen.ULong).Sample((length, cut, seed) =>
        {
            cut = Math.Min(cut, length);
            byte[] first = new byte[cut];
            byte[] second = new byte[length - cut];
            byte[] model = new byte[length];
            Random random = new((int)seed);
            unsafe
            {
                fixed (byte* f = first, s = second)
                {
                    ObjectView view = new(f, cut, s, length - cut);
                    for (int i = 0; i < 20; i++)
                    {
                        int offset = random.Next(length + 1);
                        byte[] part = new byte[random.Next(length - offset + 1)];
                        random.NextBytes(part);
                        view.CopyFrom(offset, part);
                        part.CopyTo(model.AsSpan(offset));
                        byte[] read = new byte[part.Length];
                        view.CopyTo(offset, read);
                        Assert.Equal(part, read);
                    }
                }
            }
            Assert.True(model.AsSpan().SequenceEqual((byte[])[.. first, .. second]));
        });

    private ZsPool Make(bool neighbours) =>
        new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 16 << 20, NoNeighbours = !neighbours });

    private static ZsHandle[] Straddling(ZsPool pool) => [.. Enumerable.Range(0, 100).Select(_ => pool.Allocate(2500))];
}

/// <inheritdoc/>
public sealed class MapTestsByCopy() : MapTests(MappingKind.Copy);

/// <inheritdoc/>
public sealed class MapTestsThroughWindows() : MapTests(MappingKind.Window);
