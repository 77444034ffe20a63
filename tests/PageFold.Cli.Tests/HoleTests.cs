using PageFold.Cli.Data;

namespace PageFold.Cli.Tests;

/// <summary>Holes of sparse files are found without reading them, and everything else is read as the file holds it.</summary>
public sealed class HoleTests : IDisposable
{
    private const int PageSize = 4096;

    private readonly string _file = Path.Combine(Path.GetTempPath(), $"pagefold-test-{Guid.NewGuid():N}");

    public HoleTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells where holes are.");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Data_and_holes_make_up_the_file() =>
        Gen.Select(Gen.Int[1, 8 << 20], Gen.Select(Gen.Int[0, (8 << 20) - 1], Gen.Int[1, 20_000]).Array[0, 6]).Sample(
            (length, stretches) =>
            {
                byte[] expected = new byte[length];
                foreach ((int offset, int count) in stretches)
                    new Random(offset)
                        .NextBytes(expected.AsSpan(Math.Min(offset, length), Math.Min(count, length - Math.Min(offset, length))));
                Write(expected, stretches);
                using FilePageSource source = new([_file], PageSize, null, holes: true, CancellationToken.None);
                byte[] pages = new byte[(length + PageSize - 1) / PageSize * PageSize];
                foreach (Extent extent in source.Extents)
                    Assert.Equal(extent.Pages, source.Read(extent, pages.AsSpan(extent.FirstPage * PageSize)));
                Assert.Equal(pages.Length / PageSize, source.Pages);
                Assert.True(pages.AsSpan(0, length).SequenceEqual(expected));
                if (stretches.All(stretch => stretch.Item1 >= length))
                    return;
                using FilePageSource dense = new([_file], PageSize, null, holes: false, CancellationToken.None);
                Assert.Equal(source.Extents.Where(extent => !extent.IsHole).Sum(extent => extent.Pages), dense.Pages);
            },
            iter: 30,
            threads: 1);

    [Fact]
    public void A_terabyte_of_holes_is_measured_as_zeros()
    {
        Write([1, 2, 3], [(0, 3)]);
        using (FileStream file = File.OpenWrite(_file))
            file.SetLength(1L << 40);
        Command sample = Command.Run("measure", _file, "--sample", "64MiB", "--json", "-");
        Assert.True(sample.ExitCode == 0, sample.Error);
        Assert.InRange(sample.Json.GetProperty("holeBytes").GetInt64(), 63L << 20, 64L << 20);
        Assert.Equal(sample.Json.GetProperty("holeBytes").GetInt64() / PageSize, sample.Json.GetProperty("sameFilledPages").GetInt64());
        // Comparisons leave same-filled pages out, and so holes.
        using FilePageSource dense = new([_file], PageSize, null, holes: false, CancellationToken.None);
        Assert.InRange(dense.Pages, 1, 64);
        using (FileStream file = File.OpenWrite(_file))
            file.SetLength(256 << 20);
        Command all = Command.Run("measure", _file);
        Assert.Contains("of the original are holes of sparse files", all.Output, StringComparison.Ordinal);
    }

    private void Write(byte[] content, (int Offset, int Count)[] stretches)
    {
        using FileStream file = File.Create(_file);
        foreach ((int offset, int count) in stretches)
        {
            if (offset >= content.Length)
                continue;
            file.Position = offset;
            file.Write(content.AsSpan(offset, Math.Min(count, content.Length - offset)));
        }
        file.SetLength(content.Length);
    }
}
