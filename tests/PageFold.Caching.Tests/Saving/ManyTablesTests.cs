using System.Text;
using PageFold.Caching.Saving;

namespace PageFold.Caching.Tests.Saving;

/// <summary>Files with more tables than a small cache has room for.</summary>
public class ManyTablesTests
{
    private static readonly Lazy<ReadOnlyMemory<byte>[]> s_tables = new(() => [.. Enumerable.Range(0, 10).Select(Train)]);

    [Theory]
    [InlineData(2 << 20, 0.9)]
    [InlineData(8 << 20, 0.6)]
    public void Tables_of_a_file_leave_most_entries_that_are_there(long limit, double share)
    {
        using MemoryStream stream = new();
        SaveWriter writer = new(stream, SavedCaches.Begin);
        for (byte i = 0; i < 10; i++)
        {
            ReadOnlyMemory<byte> tables = s_tables.Value[i];
            writer.Write(SaveFormat.TablesRecord);
            writer.Write((byte)(100 + i));
            writer.Write((byte)0);
            writer.Write(tables.Length);
            writer.Write(tables.Span);
        }
        writer.Complete(entries: 0, contentBytes: 0);
        stream.Position = 0;
        using CompressedCache cache = SavedCaches.Make(limit: limit);
        for (int i = 0; i < 40_000; i++)
            cache.Set($"{i}", Content.Of(200, 1));
        long before = cache.Count;
        cache.Load(stream, TestContext.Current.CancellationToken);
        Assert.InRange(cache.Count, share * before, before);
    }

    private static ReadOnlyMemory<byte> Train(int kind)
    {
        const int SampleBytes = 500;
        byte[] samples = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 1300).Select(i =>
            $"{{\"field{kind}_{i % 40}\":{i * 7919 % 1000003:D20}}}".PadRight(50)[..50])));
        int[] lengths = [.. Enumerable.Repeat(SampleBytes, samples.Length / SampleBytes)];
        FoldTraining training = PageCodec.TrainFold(samples, lengths, new FoldTrainingOptions(), TestContext.Current.CancellationToken);
        Assert.False(training.Tables.IsEmpty);
        return training.Tables;
    }
}
