# What the terminal says without words. A buzzer has: play(name), click(name), pin_mode(on); lamps
# have set(name, pattern). Both: tasks() (name and coroutine function of each task that must run).
