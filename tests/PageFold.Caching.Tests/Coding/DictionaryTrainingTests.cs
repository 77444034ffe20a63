using PageFold.Caching.Coding;

namespace PageFold.Caching.Tests.Coding;

/// <summary>Tables are trained on the cache's values, and again when the values are of another kind.</summary>
public class DictionaryTrainingTests
{
    private readonly CodingMemory _memory = new();
    private readonly Clock _clock = new();
    private int _next;

    [Fact]
    public void Training_makes_later_values_smaller_and_changed_values_train_again()
    {
        using (ValueCoding coding = Make())
        {
            long untrained = Encode(coding, Values.Order, 100);
            WaitForTraining(coding, Values.Order, 1);
            Assert.Null(coding.Training!.LastFailure);
            Assert.False(coding.Training.LastResult!.Tables.IsEmpty);
            long trained = Encode(coding, Values.Order, 100);
            Assert.InRange(trained, 1, untrained / 2);
            CodecVersion first = coding.Versions.Current;
            // The same kind of values: nothing happens, however much time passes.
            _clock.Now += TimeSpan.FromDays(1);
            Encode(coding, Values.Order, 300);
            // Another kind within the least interval after a training.
            _clock.Now -= TimeSpan.FromDays(1);
            long others = Encode(coding, Values.Page, 300) / 3;
            Assert.Equal(1, coding.Training.Trainings);
            _clock.Now += TimeSpan.FromMinutes(1);
            WaitForTraining(coding, Values.Page, 2);
            Assert.NotEqual(first, coding.Versions.Current);
            Assert.InRange(Encode(coding, Values.Page, 100), 1, others / 2);
            Assert.Null(coding.Training.LastFailure);
        }
        Assert.Equal(0, _memory.Used);
    }

    [Fact]
    public void Values_that_do_not_gain_are_trained_on_less_and_less_often()
    {
        using ValueCoding coding = Make();
        WaitForTraining(coding, Noise, 1);
        Assert.Equal(coding.Versions.BuiltIn, coding.Versions.Current);
        Assert.True(coding.Training!.LastResult!.Tables.IsEmpty);
        _clock.Now += TimeSpan.FromMinutes(1.9);
        Encode(coding, Noise, 300);
        Assert.Equal(1, coding.Training.Trainings);
        _clock.Now += TimeSpan.FromMinutes(0.1);
        WaitForTraining(coding, Values.Order, 2);
        Assert.NotEqual(coding.Versions.BuiltIn, coding.Versions.Current);

        static byte[] Noise(int seed) => Values.Noise(seed, 300);
    }

    [Fact]
    public void A_training_without_memory_or_room_for_tables_leaves_all_as_it_was()
    {
        int retired = -1;
        using (ValueCoding coding = Make(options => options with { MaxVersions = 1, Retire = number => retired = number }))
        {
            Encode(coding, Values.Order, 1);
            _memory.Limit = _memory.Used + (1 << 20);
            WaitForTraining(coding, Values.Order, 1);
            Assert.Equal(coding.Versions.BuiltIn, coding.Versions.Current);
            _memory.Limit = long.MaxValue;
            Assert.True(coding.TryPublish(Values.PageTables));
            _clock.Now += TimeSpan.FromHours(1);
            Encode(coding, Values.Page, 64);
            WaitForTraining(coding, Values.Order, 2);
            // The one that is there is the current one, which cannot be retired.
            Assert.Equal(-1, retired);
            Assert.Single(coding.Versions.All);
            Assert.Null(coding.Training!.LastFailure);
        }
        Assert.Equal(0, _memory.Used);
    }

    [Fact]
    public void The_oldest_version_is_retired_to_make_room()
    {
        List<ValueForm> forms = [];
        ValueCoding? cache = null;
        using (ValueCoding coding = cache = Make(options => options with { MaxVersions = 2, Retire = Evict }))
        {
            Assert.True(coding.TryPublish(Values.PageTables));
            ValueCoder coder = coding.Take();
            forms.Add(coder.Encode(Values.Page(1), 0, out _));
            coding.Return(coder);
            Assert.True(coding.TryPublish(Values.PageTables));
            Encode(coding, Values.Page, 64);
            WaitForTraining(coding, Values.Order, 1);
            Assert.Empty(forms);
            Assert.NotNull(coding.Training!.LastResult);
            Assert.Null(coding.Training.LastFailure);
        }
        Assert.Equal(0, _memory.Used);

        void Evict(byte number)
        {
            Assert.Equal(forms[0].Number, number);
            cache!.Release(forms[0]);
            forms.Clear();
        }
    }

    [Fact]
    public void A_failure_is_kept_and_values_go_on()
    {
        using ValueCoding coding = Make(options => options with { MaxVersions = 2, Retire = _ => throw new TimeoutException() });
        ValueCoder coder = coding.Take();
        for (int i = 0; i < 2; i++)
        {
            Assert.True(coding.TryPublish(Values.PageTables));
            coder.Encode(Values.Page(1), 0, out _);
        }
        coding.Return(coder);
        Encode(coding, Values.Page, 64);
        WaitForTraining(coding, Values.Order, 1);
        Assert.IsType<TimeoutException>(coding.Training!.LastFailure);
        Assert.NotEqual(0, Encode(coding, Values.Page, 10));
    }

    [Fact]
    public void Disposing_ends_a_training_and_gives_its_memory_back()
    {
        using (ValueCoding coding = Make(options => options with { EnoughSamples = 2000 }))
            Encode(coding, Values.Order, 2200);
        Assert.Equal(0, _memory.Used);
    }

    [Fact]
    public async Task Each_call_of_dispose_waits_for_the_training()
    {
        using ManualResetEventSlim begun = new();
        using ManualResetEventSlim goesOn = new();
        using ValueCoding coding = Make(options => options with { MaxVersions = 2, Retire = _ => Block() });
        StartRetiring(coding);
        begun.Wait(TestContext.Current.CancellationToken);
        Task first = Content.OnItsOwnThread(coding.Training!.Dispose);
        Task second = Content.OnItsOwnThread(coding.Training.Dispose);
        // Neither ends before the training, however long that takes.
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(first.IsCompleted || second.IsCompleted);
        goesOn.Set();
        await Task.WhenAll(first, second);

        void Block()
        {
            begun.Set();
            goesOn.Wait();
        }
    }

    [Fact]
    public async Task The_end_is_told_when_the_training_can_be_disposed()
    {
        TaskCompletionSource disposed = new();
        ValueCoding? made = null;
        using ValueCoding coding = made = Make(options => options with { Ended = End });
        Encode(coding, Values.Order, 300);
        await disposed.Task.WaitAsync(TestContext.Current.CancellationToken);

        void End()
        {
            made!.Training!.Dispose();
            disposed.SetResult();
            throw new TimeoutException();
        }
    }

    /// <summary>Has a training begin for which a version must be retired.</summary>
    private void StartRetiring(ValueCoding coding)
    {
        ValueCoder coder = coding.Take();
        for (int i = 0; i < 2; i++)
        {
            Assert.True(coding.TryPublish(Values.PageTables));
            coder.Encode(Values.Page(1), 0, out _);
        }
        coding.Return(coder);
        Encode(coding, Values.Order, 300);
    }

    private ValueCoding Make(Func<ValueCodingOptions, ValueCodingOptions>? change = null)
    {
        ValueCodingOptions options = new()
        {
            DictionaryBytes = 4096,
            SampleOneIn = 1,
            EnoughSamples = 150,
            EnoughBytes = 1,
            Window = 160,
            Time = _clock,
            MaxCoders = 1,
        };
        return ValueCoding.TryCreate(_memory, change?.Invoke(options) ?? options)!;
    }

    /// <summary>Encodes values until so many trainings have ended.</summary>
    private void WaitForTraining(ValueCoding coding, Func<int, byte[]> make, long trainings)
    {
        while (coding.Training!.Trainings < trainings)
        {
            Encode(coding, make, 20);
            Thread.Sleep(1);
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Encodes values that were not encoded before, and returns the bytes to store.</summary>
    private long Encode(ValueCoding coding, Func<int, byte[]> make, int count)
    {
        long bytes = 0;
        for (int i = 0; i < count; i++)
        {
            ValueCoder coder = coding.Take();
            ValueForm form = coder.Encode(make(_next++), 0, out ReadOnlySpan<byte> stored);
            bytes += stored.Length;
            coding.Return(coder);
            coding.Release(form);
        }
        return bytes;
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(10);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
