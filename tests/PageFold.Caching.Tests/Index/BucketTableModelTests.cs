using PageFold.Caching.Index;

namespace PageFold.Caching.Tests.Index;

public class BucketTableModelTests
{
    private static readonly int Iterations = int.Parse(Environment.GetEnvironmentVariable("PAGEFOLD_INDEX_ITERATIONS") ?? "40");

    [Fact]
    public void The_index_is_a_dictionary() =>
        Gen.Int.Sample(seed => Run(seed, 3000, int.MaxValue, refusals: 0), iter: Iterations, threads: 1);

    [Fact]
    public void The_index_is_a_dictionary_when_hashes_collide() =>
        Gen.Select(Gen.Int, Gen.UInt[1, 63]).Sample((seed, mask) => Run(seed, 700, mask, refusals: 0), iter: Iterations, threads: 1);

    [Fact]
    public void Memory_that_is_refused_at_any_step_loses_nothing()
    {
        int refused = 0;
        Gen.Select(Gen.Int, Gen.Double[0.05, 1]).Sample(
            (seed, share) => { refused += Run(seed, 3000, int.MaxValue, share); }, iter: Iterations, threads: 1);
        Assert.True(refused > 0);
    }

    [Fact]
    public void An_index_without_memory_is_not_made()
    {
        using PlannedMemory memory = new();
        for (int given = 0; given < 2; given++)
        {
            int left = given;
            memory.Refuses = () => left-- == 0;
            Assert.Null(BucketTable<TestHashes>.TryCreate(memory, TestHashes.Default));
            memory.AssertAllGivenBack();
        }
    }

    private static int Run(int seed, int entries, uint mask, double refusals)
    {
        using PlannedMemory memory = new();
        TestHashes hashes = new(mask);
        using BucketTable<TestHashes> table = BucketTable<TestHashes>.TryCreate(memory, hashes)!;
        Subject subject = new(table, hashes, new Random(seed));
        // Filling, churn, emptying; a round of each with and without refusals.
        foreach (int inserts in (int[])[8, 4, 1, 7, 0])
        {
            Random plan = new(seed ^ inserts);
            bool mayRefuse = refusals != 0 || mask != int.MaxValue;
            memory.Refuses = refusals == 0 ? null : () => plan.NextDouble() < refusals;
            for (int i = 0; i < entries / 2; i++)
                subject.Step((uint)entries, inserts, mayRefuse);
            memory.Refuses = null;
            subject.AssertSame();
            Assert.Equal(memory.Bytes, table.Bytes);
        }
        subject.RemoveAll();
        while (table.Tighten(3))
            subject.AssertSame();
        Assert.Equal(BucketArray.MinCount, table.Buckets.Count);
        Assert.Equal(0, table.Buckets.Further.Lines);
        table.Dispose();
        memory.AssertAllGivenBack();
        return memory.Refused;
    }

    /// <summary>A table and what must be in it.</summary>
    private sealed class Subject(BucketTable<TestHashes> table, TestHashes hashes, Random random)
    {
        private readonly Dictionary<uint, (ulong Location, EntryState State)> _model = [];

        public void Step(uint keys, int inserts, bool mayRefuse)
        {
            uint key = (uint)random.NextInt64(keys);
            int choice = random.Next(16);
            if (choice < inserts)
            {
                // Several at once, so that the table grows faster than its owner makes it grow.
                for (int i = random.Next(1, 12); i > 0; i--)
                    Set((uint)random.NextInt64(keys), mayRefuse);
                if (random.Next(3) > 0 && !table.TryGrowIfNeeded())
                    Assert.True(mayRefuse);
            }
            else if (choice < 10)
            {
                for (int i = random.Next(1, 12 - inserts); i > 0; i--)
                    Remove((uint)random.NextInt64(keys));
            }
            else if (choice == 10)
                Touch(key);
            else if (choice == 11)
                Move(key);
            else if (choice == 12)
                SetState(key);
            else if (choice == 13)
                table.Tighten(random.Next(1, 8));
            else if (choice == 14)
                FindSmall(key);
            else
                AssertHas(key);
        }

        public void RemoveAll()
        {
            foreach (uint key in _model.Keys.ToArray())
                Remove(key);
            Assert.Equal(0, table.Count);
        }

        public void AssertSame()
        {
            Assert.Equal(_model.Count, table.Count);
            foreach (uint key in _model.Keys)
                AssertHas(key);
            Seen all = Seen.All(table, hashes);
            Dictionary<ulong, EntryState> seen = all.Entries;
            Assert.Equal(_model.Count, seen.Count);
            Assert.Equal(_model.Count, all.Visits);
            foreach ((ulong location, EntryState state) in _model.Values)
                Assert.Equal(state, seen[location]);
        }

        private void Set(uint key, bool mayRefuse)
        {
            ulong location = TestEntries.Location(key, random.Next());
            EntryState state = new(random.Next(4), random.Next(2) == 0);
            ExclusiveKey<TestHashes> held = table.LockExclusive(hashes.Of(key));
            bool known = held.TryFind(key, out EntryPlace place, out _);
            Assert.Equal(_model.ContainsKey(key), known);
            if (known)
            {
                place.SetLocation(location);
                _model[key] = (location, _model[key].State);
            }
            else if (held.TryInsert(location, state))
                _model.Add(key, (location, state));
            else
                Assert.True(mayRefuse);
            held.Dispose();
        }

        private void Remove(uint key)
        {
            ExclusiveKey<TestHashes> held = table.LockExclusive(hashes.Of(key));
            bool known = held.TryFind(key, out EntryPlace place, out _);
            Assert.Equal(_model.Remove(key), known);
            if (known)
                held.Remove(place);
            Assert.False(held.TryFind(key, out _, out _));
            held.Dispose();
        }

        private void Touch(uint key)
        {
            SharedKey held = table.LockShared(hashes.Of(key));
            if (held.TryFind(key, out EntryPlace place, out _))
            {
                place.Touch();
                (ulong location, EntryState state) = _model[key];
                _model[key] = (location, state.WithFrequency(Math.Min(EntryState.MaxFrequency, state.Frequency + 1)));
            }
            held.Dispose();
        }

        private void Move(uint key)
        {
            if (!_model.TryGetValue(key, out (ulong Location, EntryState State) entry))
            {
                Assert.False(table.TryBeginMove(hashes.Of(key), TestEntries.Location(key, 0), out _));
                return;
            }
            Assert.True(table.TryBeginMove(hashes.Of(key), entry.Location, out EntryMove move));
            Assert.False(table.TryBeginMove(hashes.Of(key), entry.Location, out _));
            ulong location = random.Next(3) == 0 ? entry.Location : TestEntries.Moved(entry.Location);
            move.End(location);
            _model[key] = (location, entry.State);
        }

        private void SetState(uint key)
        {
            if (!_model.TryGetValue(key, out (ulong Location, EntryState State) entry))
                return;
            ExclusiveKey<TestHashes> held = table.LockExclusive(hashes.Of(key));
            Assert.True(held.TryFind(entry.Location, out EntryPlace place));
            Assert.Equal(entry.State, place.State);
            EntryState state = entry.State.WithMain(!entry.State.IsMain).WithFrequency(random.Next(4));
            place.SetState(state);
            held.Dispose();
            _model[key] = (entry.Location, state);
        }

        private void FindSmall(uint key)
        {
            uint hash = hashes.Of(key);
            ExclusiveKey<TestHashes> held = table.LockExclusive(hash);
            bool found = held.TryFindSmall(out _, out ulong location);
            held.Dispose();
            if (found)
            {
                Assert.Equal(hash, hashes.HashAt(location));
                (ulong Location, EntryState State) entry = _model[TestEntries.KeyAt(location)];
                Assert.Equal((location, false), (entry.Location, entry.State.IsMain));
            }
            else
                Assert.False(_model.TryGetValue(key, out (ulong Location, EntryState State) missed) && !missed.State.IsMain);
        }

        private void AssertHas(uint key)
        {
            SharedKey held = table.LockShared(hashes.Of(key));
            bool found = held.TryFind(key, out EntryPlace place, out ulong location);
            EntryState state = found ? place.State : default;
            held.Dispose();
            Assert.Equal(_model.TryGetValue(key, out (ulong Location, EntryState State) entry), found);
            if (found)
                Assert.Equal(entry, (location, state));
        }
    }
}
