using PageFold.Frames;

namespace PageFold.Tests.Frames;

public class MemoryLimitsTests
{
    private const long GiB = 1L << 30;

    [Fact]
    public void Default_is_half_of_the_machine_outside_a_container() => Assert.Equal(4 * GiB, MemoryLimits.Resolve(null, null, 8 * GiB));

    [Fact]
    public void Default_is_half_of_the_container_inside_one() => Assert.Equal(GiB / 2, MemoryLimits.Resolve(null, GiB, 8 * GiB));

    [Fact]
    public void A_container_limit_above_the_machine_counts_for_no_more_than_the_machine() =>
        Assert.Equal(4 * GiB, MemoryLimits.Resolve(null, 64 * GiB, 8 * GiB));

    [Fact]
    public void A_limit_above_the_containers_is_refused_with_both_numbers()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => MemoryLimits.Resolve(2 * GiB, GiB, 8 * GiB));
        Assert.Contains("2,147,483,648", error.Message, StringComparison.Ordinal);
        Assert.Contains("1,073,741,824", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(64 << 20)]
    [InlineData(512 << 20)]
    [InlineData(64L << 30)]
    [InlineData(1L << 50)]
    public void Room_for_the_runtime_is_left_below_the_containers_limit_and_the_default_is_never_refused(long container)
    {
        long most = container - MemoryLimits.Reserve(container);
        Assert.InRange(most, container / 2, container - Math.Min(32 << 20, container / 2));
        Assert.Equal(most, MemoryLimits.Resolve(most, container, 8 * GiB));
        Assert.Equal(container / 2, MemoryLimits.Resolve(container / 2, container, 8 * GiB));
        Assert.Equal(most, MemoryLimits.Resolve(most, null, 8 * GiB));
        foreach (long limit in (long[])[most + 1, container - 1, container, container + 1])
        {
            string message = Assert.Throws<ArgumentOutOfRangeException>(() => MemoryLimits.Resolve(limit, container, 8 * GiB)).Message;
            foreach (long number in (long[])[limit, container, container - most, most])
                Assert.Contains($"{number:N0} bytes", message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void A_limit_that_is_not_positive_is_refused(long limit) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MemoryLimits.Resolve(limit, null, 8 * GiB));

    [Fact]
    public void Reads_version_2_and_takes_the_smallest_limit_on_the_way_up()
    {
        long? limit = Read(["0::/app/worker"], ["30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"], new()
        {
            ["/sys/fs/cgroup/app/worker/memory.max"] = "max\n",
            ["/sys/fs/cgroup/app/memory.max"] = "536870912\n",
        });
        Assert.Equal(536870912, limit);
    }

    [Fact]
    public void Reads_version_2_in_a_namespace_of_its_own()
    {
        long? limit = Read(["0::/"], ["30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"],
            new() { ["/sys/fs/cgroup/memory.max"] = "1048576\n" });
        Assert.Equal(1048576, limit);
    }

    [Fact]
    public void Reads_version_1_below_a_mount_that_shows_a_part_of_the_hierarchy()
    {
        long? limit = Read(
            ["5:cpu,cpuacct:/docker/abc", "4:memory:/docker/abc", "0::/"],
            ["33 25 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory"],
            new() { ["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "268435456\n" });
        Assert.Equal(268435456, limit);
    }

    [Fact]
    public void Reads_a_mount_point_with_a_space_and_a_path_without_a_slash()
    {
        Dictionary<string, string> files = new() { ["/mnt/control groups/memory.max"] = "1048576\n" };
        Assert.Equal(1048576, Read(["0::/"], [@"30 24 0:26 / /mnt/control\040groups rw - cgroup2 cgroup2 rw"], files));
        Assert.Equal(1048576, Read(["0::odd"], [@"30 24 0:26 / /mnt/control\040groups rw - cgroup2 cgroup2 rw"], files));
    }

    [Fact]
    public void Takes_version_1s_largest_number_for_no_limit()
    {
        long? limit = Read(["4:memory:/"], ["33 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"],
            new() { ["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712\n" });
        Assert.Null(limit);
    }

    [Fact]
    public void Finds_no_limit_in_lines_that_are_not_what_they_should_be() =>
        Gen.String.Array[0, 10].Sample(lines => Read(lines, lines, []) is null or > 0, iter: 2000);

    [Fact]
    public void Budget_never_exceeds_its_limit_whatever_threads_charge() =>
        Gen.Long[1, 100_000].Sample(limit =>
        {
            MemoryBudget budget = new(limit);
            Crew.OnThreads(4, thread =>
            {
                Random random = new(thread);
                for (int i = 0; i < 1000; i++)
                {
                    long unit = random.Next(1, 200);
                    long granted = budget.ChargeUpTo(unit * random.Next(1, 20), unit);
                    Assert.True(granted % unit == 0);
                    Assert.True(budget.Used <= limit && budget.Peak <= limit);
                    budget.Release(granted);
                }
            });
            return budget.Used == 0;
        }, iter: 20);

    private static long? Read(string[] groups, string[] mounts, Dictionary<string, string> files) =>
        ContainerMemory.ReadLimit(groups, mounts, path => files.GetValueOrDefault(path));
}
